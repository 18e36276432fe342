import { constants } from 'node:os'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { runStagerHere } from '../../../../local/batch/run-stager.ts'
import { STAGER_VARIABLES } from '../../../../src/contract/staging.ts'
import { aWebServer, closeWebServers } from '../../../fixtures/web-server.ts'
import { aContainer } from './builders.ts'

afterEach(closeWebServers)

/** Runs a command of the stager, whose API has the URL. @returns its end and its log */
async function run(command: readonly string[], apiUrl: URL, signal: AbortSignal) {
  const variables = {
    [STAGER_VARIABLES.apiUrl]: apiUrl.href,
    [STAGER_VARIABLES.runId]: 'run-1',
    [STAGER_VARIABLES.runSecret]: 'secret',
  }
  const environment = Object.entries(variables).map(([name, value]) => ({ name, value }))
  const container = aContainer({ name: 'stage-in', command: [...command], environment })
  const task = { container, jobId: 'job-1', attempt: 1, instance: 'test', root: '/', directories: {} }
  let log = ''
  const logs = {
    name: 'stage-in/job-1',
    append: async (source: AsyncIterable<Buffer>) => {
      log = await text(source)
    },
    close: async () => {},
  }
  const end = await runStagerHere({ task, logs, signal, onStarted: vi.fn() })
  return { end, log }
}

describe('a stager inside the Batch server', () => {
  it('ends with its exit code, and its messages are in the log', async () => {
    const { signal } = new AbortController()

    const { end, log } = await run(['stage'], new URL('http://127.0.0.1/'), signal)

    expect(end).toEqual({ exitCode: 1 })
    expect(log).toMatch(/usage: stage-in .*\n$/u)
  })

  it('ends like a killed container when the job is cancelled during a request', async () => {
    const cancel = new AbortController()
    // Never answers.
    const apiUrl = await aWebServer(() => cancel.abort())

    const { end } = await run(['stage-in', '/inputs', '/outputs'], apiUrl, cancel.signal)

    expect(end).toEqual({ exitCode: 128 + constants.signals.SIGKILL })
  })
})

import { afterEach, describe, expect, it, vi } from 'vitest'
import { createApp } from '../../../lambdas/api/app.ts'
import { RUN_SECRET_HEADER } from '../../../src/domain/staging.ts'
import { beginLog, logAbout, logger } from '../../../src/runtime/observability.ts'
import { RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

const BASE = '/app-engine/v1'
const SECRET = 'secret-of-the-run'
const INPUT = 'value-of-an-input'

/** Entries that are written meanwhile. */
async function logged(work: () => unknown): Promise<Record<string, unknown>[]> {
  const lines: string[] = []
  const take = (text: string | Uint8Array): boolean => {
    lines.push(String(text))
    return true
  }
  vi.spyOn(process.stdout, 'write').mockImplementation(take)
  vi.spyOn(process.stderr, 'write').mockImplementation(take)
  await work()
  vi.restoreAllMocks()
  return lines
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
}

/** An API whose runs cannot be read. */
async function aBrokenApi() {
  const engine = await anEngine({ run: { state: 'RUNNING' } })
  const find = () => Promise.reject(new Error('the table is away'))
  return createApp({ ...engine, runs: { ...engine.runs, find } })
}

afterEach(() => vi.restoreAllMocks())

describe('what the API logs of a failure', () => {
  it.each([
    ['outputs that come with the secret in the path', 'POST', `/task-runs/${RUN_ID}/${SECRET}/outputs.zip`],
    ['a call of the stager', 'GET', `/task-runs/${RUN_ID}/staging/inputs`],
    ['an input', 'PUT', `/task-runs/${RUN_ID}/input-provisions/a?note=${INPUT}`],
  ])('names run, request and route, and nothing else, of %s', async (_, method, path) => {
    const app = await aBrokenApi()
    const body = method === 'GET' ? {} : { body: JSON.stringify({ param_name: 'a', value: INPUT }) }

    const entries = await logged(() =>
      app.request(
        `${BASE}${path}`,
        { method, headers: { [RUN_SECRET_HEADER]: SECRET, 'content-type': 'application/json' }, ...body },
        { requestContext: { requestId: 'request-1' } },
      ),
    )

    expect(entries).toEqual([
      expect.objectContaining({
        level: 'ERROR',
        message: 'request failed',
        requestId: 'request-1',
        runId: RUN_ID,
        route: expect.stringMatching(/^[A-Z]+ \/task-runs\/:id/u),
      }),
    ])
    expect(JSON.stringify(entries)).not.toContain(SECRET)
    expect(JSON.stringify(entries)).not.toContain(INPUT)
  })
})

describe('log entries of a function', () => {
  it('carry what has become known, until the next event', async () => {
    const entries = await logged(() => {
      beginLog({ requestId: 'one', runId: 'r' })
      logAbout({ taskId: 't' })
      logger.info('first')
      beginLog({ requestId: 'two' })
      logger.info('second')
    })

    expect(entries).toMatchObject([
      { message: 'first', requestId: 'one', runId: 'r', taskId: 't' },
      { message: 'second', requestId: 'two' },
    ])
    expect(entries[1]).not.toHaveProperty('runId')
    expect(entries[1]).not.toHaveProperty('taskId')
  })
})

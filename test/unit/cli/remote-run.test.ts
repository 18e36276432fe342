import { afterEach, describe, expect, it } from 'vitest'
import { descriptorKey } from '../../../src/contract/storage-keys.ts'
import { runCommand } from '../../fixtures/cli-program.ts'
import { anEngineWith, serveEngine } from '../../fixtures/served-engine.ts'
import { closeWebServers } from '../../fixtures/web-server.ts'

afterEach(closeWebServers)

const TASK = 'com.example.count/1.0.0'
const INPUTS = {
  inputs: {
    a: { type: { id: 'integer', leq: 10 }, description: '' },
    list: { type: { id: 'array', subtype: 'integer', min_size: 2 }, description: '' },
  },
}

/** Runs the task in a service, which keeps or loses its descriptor. */
async function runWith(words: readonly string[], { isReadable = true } = {}) {
  const engine = await anEngineWith(INPUTS)
  if (!isReadable) await engine.objects.put(descriptorKey(engine.task.id), 'a: future\n')
  const { url, calls } = await serveEngine(engine)
  const inputs = words.flatMap((word) => ['-i', word])
  const end = await runCommand(['run', TASK, '--remote', url, ...inputs])
  return { ...end, calls: calls.map(({ call }) => call), runs: await engine.runs.listByTask(engine.task.id) }
}

describe('a remote run', () => {
  it.each([
    ['a missing input', ['a=1'], /input "list" \(array\) has no value; give it with -i NAME=VALUE/u],
    ['a value that breaks a bound', ['a=11', 'list=[1,2]'], /11 is out of bounds; expected at most 10/u],
    ['an array that is too short', ['a=1', 'list=[1]'], /^list: .*1.*2/u],
    ['an input that is none', ['b=1'], /the task has no input "b"; it has a, list/u],
  ])('with %s is refused before anything is created', async (_, words, message) => {
    const { code, stderr, calls } = await runWith(words)

    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('input-provisions')
    expect(calls.filter((call) => !call.startsWith('GET'))).toEqual([])
    expect(code).toBeGreaterThan(0)
  })

  it.each([
    ['a missing input', ['a=1'], /"list".*; give it with -i/u],
    ['a wrong value', ['a=11', 'list=[1,2]'], /11/u],
  ])('that only the service can check is deleted when it has %s', async (_, words, message) => {
    const { code, stderr, calls, runs } = await runWith(words, { isReadable: false })

    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('input-provisions')
    expect(calls.filter((call) => call.startsWith('POST') && call.endsWith('/runs'))).toHaveLength(1)
    expect(runs).toEqual([])
    expect(code).toBe(1)
  })
})

describe('the start of a remote run', () => {
  it('whose answer is lost is not made twice', async () => {
    const engine = await anEngineWith({})
    let lost = 0
    const { url, calls } = await serveEngine(engine, (call) => {
      if (call.endsWith('/state-actions')) lost += 1
      return call.endsWith('/state-actions') && lost === 1
    })
    const running = runCommand(['run', TASK, '--remote', url, '-i', 'a=1'])
    await expect.poll(async () => (await engine.runs.listByTask(engine.task.id))[0]?.state).toBe('QUEUING')
    const [run] = await engine.runs.listByTask(engine.task.id)
    const failure = { kind: 'task-failed', message: 'exit code 3' } as const
    await engine.runs.transition(run?.id ?? '', { to: 'FAILED', set: { failure } })
    engine.identity.advance(3600)

    const { stderr } = await running

    expect(stderr).toContain('exit code 3')
    expect(calls.filter(({ call }) => call.endsWith('/state-actions'))).toHaveLength(1)
  })
})

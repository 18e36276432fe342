import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { leaveRun, namingRun } from '../../../cli/run/leave-run.ts'
import { ServiceLostError } from '../../../cli/service/answer.ts'
import { openService } from '../../../cli/service/service.ts'
import { createTerminal } from '../../../cli/terminal/terminal.ts'
import { descriptorKey } from '../../../src/contract/storage-keys.ts'
import { runCommand, startCommand } from '../../fixtures/cli-program.ts'
import { anEngineWith, serveEngine } from '../../fixtures/served-engine.ts'
import { closeWebServers } from '../../fixtures/web-server.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remote-run-'))
})
afterEach(() => rmSync(folder, { recursive: true }))
afterEach(closeWebServers)
afterEach(() => vi.unstubAllEnvs())

const TASK = 'com.example.count/1.0.0'
const INPUTS = {
  inputs: {
    a: { type: { id: 'integer', leq: 10 }, description: '' },
    list: { type: { id: 'array', subtype: 'integer', min_size: 2 }, description: '' },
  },
}

/** Runs the task in a service, whose descriptor of the task is readable or not. */
async function runWith(words: readonly string[], { isReadable = true } = {}) {
  const engine = await anEngineWith(INPUTS)
  if (!isReadable) await engine.objects.put(descriptorKey(engine.task.id), 'a: future\n')
  const { url, calls } = await serveEngine(engine)
  const inputs = words.flatMap((word) => ['-i', word])
  const end = await runCommand(['run', TASK, '--remote', url, ...inputs])
  return { ...end, calls: calls.map(({ call }) => call), runs: await engine.runs.listByTask(engine.task.id) }
}

/** Never resolves: the response to a call that the client ends. */
const unanswered = (): Promise<never> => new Promise(() => {})

/** A file that is sent as an upload. */
function aLargeFile(): string {
  const file = join(folder, 'large')
  writeFileSync(file, Buffer.alloc(4 * 1024 ** 2))
  return file
}

/** Ends a run with an output. */
async function finish({ runs, objects, identity }: Awaited<ReturnType<typeof anEngineWith>>, id: string) {
  const listing = [{ taskRunId: id, parameterName: 'sum', type: 'INTEGER', value: 42 }]
  await objects.put('out/outputs.json', JSON.stringify(listing))
  await objects.put('out/sum', '42')
  await runs.transition(id, { to: 'FINISHED', set: { outputsPrefix: 'out/' } })
  // No line of its log is late any more.
  identity.advance(3600)
}

describe('a remote run', () => {
  it.each([
    ['a missing input', ['a=1'], /input "list" \(array\) has no value; give it with -i NAME=VALUE/u],
    ['a value that breaks a bound', ['a=11', 'list=[1,2]'], /11 is out of bounds; expected at most 10/u],
    ['an array that is too short', ['a=1', 'list=[1]'], /^"list": .*1.*2/u],
    ['an unknown input', ['b=1'], /the task has no input "b"; its inputs are a, list/u],
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
  ])('with an unreadable descriptor is deleted when it has %s', async (_, words, message) => {
    const { code, stderr, calls, runs } = await runWith(words, { isReadable: false })

    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('input-provisions')
    expect(calls.filter((call) => call.startsWith('POST') && call.endsWith('/runs'))).toHaveLength(1)
    expect(runs).toEqual([])
    expect(code).toBe(1)
  })
})

describe('the start of a remote run', () => {
  it('is not repeated when its response was lost', async () => {
    const engine = await anEngineWith({})
    let lost = 0
    const { url, calls } = await serveEngine(engine, (call) => {
      if (call.endsWith('/state-actions')) lost += 1
      return call.endsWith('/state-actions') && lost === 1
    })
    const running = runCommand(['run', TASK, '--remote', url, '-i', 'a=1'])
    await expect.poll(async () => (await engine.runs.listByTask(engine.task.id))[0]?.state).toBe('QUEUING')
    const [run] = await engine.runs.listByTask(engine.task.id)
    const failure = { kind: 'task-failed', message: 'exit code 3', exitCode: 3 } as const
    await engine.runs.transition(run?.id ?? '', { to: 'FAILED', set: { failure } })
    engine.identity.advance(3600)

    const { stderr } = await running

    expect(stderr).toMatch(/exit code 3\nA run succeeds only with exit code 0: correct the program/u)
    expect(calls.filter(({ call }) => call.endsWith('/state-actions'))).toHaveLength(1)
  })
})

describe('Ctrl-C during a remote run', () => {
  const interrupt = () => process.emit('SIGINT', 'SIGINT')
  const words = (url: string) => ['run', TASK, '--remote', url, '-i', 'a=1', '-o', join(folder, 'outputs')]

  it('deletes a run that has not started, and says so', async () => {
    const engine = await anEngineWith({})
    const { url, calls } = await serveEngine(engine, (call) => {
      if (call.endsWith('/input-provisions')) interrupt()
      return false
    })

    const { code, stderr } = await runCommand(words(url))

    expect(stderr).toMatch(/interrupted: the run \S+ had not started, and is deleted/u)
    expect(code).toBe(130)
    expect(calls.map(({ call }) => call).filter((call) => call.endsWith('/state-actions'))).toEqual([])
    expect(await engine.runs.listByTask(engine.task.id)).toEqual([])
  })

  it('ends the transfer of a large input', async () => {
    const engine = await anEngineWith({ inputs: { a: { type: 'file', description: '' } } })
    const { url, calls } = await serveEngine(
      engine,
      () => false,
      async (call) => {
        if (call !== 'POST uploads') return
        interrupt()
        await unanswered()
      },
    )

    const { code, stderr } = await runCommand(['run', TASK, '--remote', url, '-i', `a=@${aLargeFile()}`])

    expect(stderr).toContain('had not started, and is deleted')
    expect(code).toBe(130)
    expect(calls.map(({ call }) => call).filter((call) => call.includes('uploads'))).toEqual([])
  })

  it('lets a run go on whose start the service has received', async () => {
    const engine = await anEngineWith({})
    const { url } = await serveEngine(
      engine,
      () => false,
      async (call) => {
        if (!call.endsWith('/state-actions')) return
        interrupt()
        // Calls that the command makes without waiting for the start are executed before it.
        for (const _ of Array(20)) await (await fetch(`${url}tasks`)).text()
      },
    )

    const { code, stderr } = await runCommand(words(url))

    expect(stderr).toMatch(/the run \S+ goes on in the service/u)
    expect(code).toBe(130)
    const runs = await engine.runs.listByTask(engine.task.id)
    expect(runs.map(({ state }) => state)).toEqual(['QUEUING'])
  })

  it('ends the download of the outputs, and says how to download them later', async () => {
    const engine = await anEngineWith({})
    const { url } = await serveEngine(
      engine,
      () => false,
      async (call) => {
        if (!call.endsWith('/outputs.zip')) return
        interrupt()
        await unanswered()
      },
    )
    const running = startCommand(words(url))
    await expect.poll(() => running.written.stderr).toContain('QUEUING')
    const [run] = await engine.runs.listByTask(engine.task.id)
    await finish(engine, run?.id ?? '')

    const { code, stderr } = await running.ended

    expect(stderr).toContain(
      `the run ${run?.id} has ended, FINISHED; "cytomine-task outputs ${run?.id} --url ${url}" prints its outputs`,
    )
    expect(code).toBe(130)
  })

  it('deletes a run that was being created', async () => {
    const engine = await anEngineWith({})
    const { url } = await serveEngine(engine, (call) => {
      if (call.endsWith('/runs')) interrupt()
      return false
    })

    const { code, stderr } = await runCommand(words(url))

    expect(stderr).toContain('had not started, and is deleted')
    expect(code).toBe(130)
    expect(await engine.runs.listByTask(engine.task.id)).toEqual([])
  })

  it('lets a started run go on, and says how to follow and how to cancel it', async () => {
    const engine = await anEngineWith({})
    const { url } = await serveEngine(engine)
    const running = startCommand(words(url))
    await expect.poll(() => running.written.stderr).toContain('QUEUING')

    interrupt()
    const { code, stderr } = await running.ended

    const [run] = await engine.runs.listByTask(engine.task.id)
    const rest = `${run?.id} --url ${url}`
    expect(stderr).toContain(
      `the run ${run?.id} goes on in the service; "cytomine-task logs -f ${rest}" follows it, "cytomine-task cancel ${rest}" ends it`,
    )
    expect(code).toBe(130)
    expect(run?.state).toBe('QUEUING')
  })

  it.each([
    ['iam', ' --auth iam'],
    ['none', ''],
  ])('prints commands that call the service in the same way: --auth %s', async (auth, option) => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    vi.stubEnv('AWS_REGION', 'eu-west-1')
    const engine = await anEngineWith({})
    const { url } = await serveEngine(engine)
    const running = startCommand([...words(url), '--auth', auth])
    await expect.poll(() => running.written.stderr).toContain('QUEUING')

    interrupt()
    const { stderr } = await running.ended

    expect(stderr).toMatch(new RegExp(`"cytomine-task cancel \\S+ --url ${url}${option}" ends it`, 'u'))
  })

  it('names the run when the service is lost', async () => {
    const service = await openService({ url: 'http://127.0.0.1:1/v1/', auth: 'none' })

    expect(namingRun(new ServiceLostError('nothing answers', 3), service, 'id')).toMatchObject({
      message: expect.stringMatching(
        /^nothing answers\n"cytomine-task logs -f id --url \S+" follows the run/u,
      ),
      exitCode: 3,
    })
  })

  it('says what may be left when the service does not answer', async () => {
    const notes: string[] = []
    const streams = {
      stdout: { write: () => {} },
      stderr: { write: (text: string) => notes.push(text) },
      env: {},
    }
    const service = await openService({ url: 'http://127.0.0.1:1/v1/', auth: 'none', pausesMs: [] })

    await leaveRun(createTerminal(streams, false), service, 'id')

    expect(notes.join('')).toMatch(
      /the run id may be left in the service \(nothing answers .*\); "cytomine-task delete id --url http:\/\/127\.0\.0\.1:1\/v1\/" deletes it/u,
    )
  })
})

import { describe, expect, it } from 'vitest'
import { runLogKey } from '../../../src/contract/storage-keys.ts'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { explainByLog } from '../../../src/lifecycle/explain-by-log.ts'
import { keepRunLog } from '../../../src/lifecycle/keep-run-log.ts'
import { readRunLog } from '../../../src/lifecycle/read-run-log.ts'
import { recordJobState } from '../../../src/lifecycle/record-job-state.ts'
import { jobNameOf } from '../../../src/run/job/job-definition.ts'
import type { JobDetail } from '../../../src/run/job/job-outcome.ts'
import type { Run } from '../../../src/run/run.ts'
import { RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

const STREAM = 'task-id/task/ecs-id'
const JOB = { attempt: 1, jobName: jobNameOf(RUN_ID, 1), logStreamName: STREAM }

/** An engine with a run whose container has printed this. */
async function anEngineWith(printed: string, run: Partial<Run> = {}) {
  const engine = await anEngine({ run: { state: 'RUNNING', job: JOB, ...run } })
  engine.logs.put(STREAM, printed)
  return engine
}

/** The ended job with these containers, each with a log stream. */
function anEndedJob(
  exitCodes: Readonly<Record<string, number>>,
  status: 'SUCCEEDED' | 'FAILED' = 'FAILED',
): JobDetail {
  const containers = Object.entries(exitCodes).map(([name, exitCode]) => ({
    name,
    exitCode,
    logStreamName: `task-id/${name}/ecs-id`,
  }))
  return {
    jobName: JOB.jobName,
    jobId: 'job-1',
    status,
    statusReason: 'Essential container in task exited',
    attempts: [{ taskProperties: [{ containers }] }],
  }
}

describe('the log of a run', () => {
  it('is the container’s output while it runs', async () => {
    expect(await readRunLog(await anEngineWith('one\ntwo\n'), RUN_ID)).toBe('one\ntwo\n')
  })

  it('ends with the first line of a failure’s message, marked as a line of the engine', async () => {
    const failure = {
      kind: 'task-failed',
      message: 'the task ended with exit code 3\nIts log ends with:\ntwo',
    } as const
    const engine = await anEngineWith('one\ntwo', { state: 'FAILED', failure })

    expect(await readRunLog(engine, RUN_ID)).toBe(
      'one\ntwo\n[app-engine] run failed (task-failed): the task ended with exit code 3\n',
    )
  })

  it.each([
    ['plain', '[app-engine] run failed (x): y', '[task] [app-engine] run failed (x): y'],
    ['after spaces', '  [app-engine] x', '  [task] [app-engine] x'],
    ['after an escape character', '\u001b[app-engine] x', '\u001b[task] [app-engine] x'],
    ['after a colour', '\u001b[0;1m[app-engine] x', '\u001b[0;1m[task] [app-engine] x'],
    [
      'after text that it erases',
      'see \u001b[2K\u001b[G[app-engine]',
      'see \u001b[2K\u001b[G[task] [app-engine]',
    ],
    ['after characters that it overwrites', 'a\b[app-engine] x', 'a\b[task] [app-engine] x'],
    ['after a window title', '\u001b]0;t\u0007[app-engine] x', '\u001b]0;t\u0007[task] [app-engine] x'],
    ['with a colour in it', '[app\u001b[0m-engine] x', '[task] [app\u001b[0m-engine] x'],
    ['with an invisible character in it', '[app\u200b-engine] x', '[task] [app\u200b-engine] x'],
    [
      'after another mark and a carriage return',
      '[app-engine]\r[app-engine] x',
      '[task] [app-engine]\r[task] [app-engine] x',
    ],
    ['after invisible characters', '\u200b\u00a0[app-engine] x', '\u200b\u00a0[task] [app-engine] x'],
    ['after text and a carriage return', '50 %\r[app-engine] x', '50 %\r[task] [app-engine] x'],
    ['after a carriage return at the start of the line', '\r[app-engine] x', '\r[task] [app-engine] x'],
    ['within a line, unchanged', 'see [app-engine] x', 'see [app-engine] x'],
  ])('marks a line of the task that imitates the engine: %s', async (_, line, shown) => {
    const engine = await anEngineWith(`one\n${line}\n`)

    expect(await readRunLog(engine, RUN_ID)).toBe(`one\n${shown}\n`)
  })

  it.each([
    ['empty lines', '\n'],
    ['spaces', ' '],
    ['line separators', '\u2028'],
    ['starts of the mark', '['],
    ['starts of the mark with invisible characters', '[\u0000'],
    ['colours', '\u001b[m'],
    ['marks in one line', 'x[app-engine]'],
  ])('is read in one pass when it has 4 MiB of %s', async (_, piece) => {
    const size = Buffer.byteLength(piece)
    const engine = await anEngineWith(piece.repeat(Math.floor((4 * 1024 * 1024) / size) - 1))

    expect(await readRunLog(engine, RUN_ID)).toContain(piece)
  })

  it('fits into a response even when every line imitates the engine', async () => {
    const engine = await anEngineWith('[app-engine]\n'.repeat(400_000))

    expect(JSON.stringify(await readRunLog(engine, RUN_ID)).length).toBeLessThan(6_000_000)
  })

  it('has a reason without control characters', async () => {
    const failure = { kind: 'output-invalid', message: 'value \u001b]0;owned\u0007 is none' } as const
    const engine = await anEngineWith('', { state: 'FAILED', failure })

    expect(await readRunLog(engine, RUN_ID)).toBe(
      '[app-engine] run failed (output-invalid): value \\u{1b}]0;owned\\u{7} is none\n',
    )
  })

  it('is empty without a container', async () => {
    expect(await readRunLog(await anEngine({ run: { state: 'CREATED' } }), RUN_ID)).toBe('')
  })

  it('states that its beginning is omitted when it is too long', async () => {
    const engine = await anEngineWith(`${'x'.repeat(99)}\n`.repeat(100_000))

    const log = await readRunLog(engine, RUN_ID)

    expect(log.split('\n', 1)).toEqual(['[app-engine] the log is longer; this is its end'])
    expect(log.length).toBeGreaterThan(4_000_000)
    expect(log.endsWith('x\n')).toBe(true)
  })

  it('fits into the JSON of a response even when it has only escape sequences', async () => {
    const engine = await anEngineWith('\u001b'.repeat(4 * 1024 * 1024))

    expect(JSON.stringify(await readRunLog(engine, RUN_ID)).length).toBeLessThan(6_000_000)
  })

  it('is the stored end after the log group has expired', async () => {
    const engine = await anEngineWith('one\ntwo\n', { state: 'FINISHED' })
    await keepRunLog(engine, anEndedJob({ task: 0 }, 'SUCCEEDED'))

    engine.logs.put(STREAM, '')

    expect(await readRunLog(engine, RUN_ID)).toBe(
      '[app-engine] the log has expired; these are its last lines\none\ntwo\n',
    )
  })
})

describe('keeping the log of an ended job', () => {
  const kept = async (printed: string, job = anEndedJob({ task: 3 })) => {
    const engine = await anEngineWith(printed)
    await keepRunLog(engine, job)
    return engine.objects.text(runLogKey(RUN_ID))
  }
  const lines = (count: number) => Array.from({ length: count }, (_, i) => `line ${i}\n`)

  it('stores the last 500 lines', async () => {
    expect(await kept(lines(1000).join(''))).toBe(lines(1000).slice(500).join(''))
  })

  it('stores at most half a MiB when lines are long', async () => {
    expect((await kept(`${'x'.repeat(10_000)}\n`.repeat(500)))?.length).toBe(512 * 1024)
  })

  it('stores nothing for a job without output, an active one, or a replaced one', async () => {
    expect(await kept('')).toBeUndefined()
    expect(await kept('x\n', { ...anEndedJob({ task: 0 }), status: 'RUNNING' })).toBeUndefined()
    expect(await kept('x\n', { ...anEndedJob({ task: 0 }), jobName: jobNameOf(RUN_ID, 2) })).toBeUndefined()
  })

  it('leaves no log when the run was deleted meanwhile', async () => {
    const engine = await anEngineWith('one\n', { state: 'FAILED' })
    const read = engine.logs.read
    const logs = {
      async read(stream: string, maxBytes: number) {
        await deleteRun(engine, RUN_ID)
        return read(stream, maxBytes)
      },
    }

    await keepRunLog({ ...engine, logs }, anEndedJob({ task: 3 }))

    expect(engine.objects.keys()).toEqual([])
  })

  it('stores an object that is removed with the run', async () => {
    const engine = await anEngineWith('one\n', { state: 'FINISHED' })
    await keepRunLog(engine, anEndedJob({ task: 0 }, 'SUCCEEDED'))

    await deleteRun(engine, RUN_ID)

    expect(engine.objects.keys()).toEqual([])
  })
})

describe('the reason of a failure', () => {
  it('contains the last lines of the task’s log', async () => {
    const engine = await anEngineWith(['a', 'b', 'c', 'd', 'e', 'Traceback', ''].join('\n'))

    await recordJobState(engine, anEndedJob({ 'stage-in': 0, task: 3 }))

    expect((await engine.runs.find(RUN_ID))?.failure).toEqual({
      kind: 'task-failed',
      message: 'the task ended with exit code 3\nIts log ends with:\nb\nc\nd\ne\nTraceback',
      exitCode: 3,
      attempt: 1,
    })
  })

  it.each([
    ['stage-in', 'the inputs could not be copied to the task: downloading image: HTTP 404 NoSuchKey'],
    ['stage-out', 'the outputs of the task could not be uploaded: downloading image: HTTP 404 NoSuchKey'],
  ])('is the last message of %s', async (container, message) => {
    const engine = await anEngine({ run: { state: 'RUNNING', job: JOB } })
    engine.logs.put(`task-id/${container}/ecs-id`, 'first\ndownloading image: HTTP 404 NoSuchKey\n')

    await recordJobState(engine, anEndedJob({ [container]: 1 }))

    expect((await engine.runs.find(RUN_ID))?.failure?.message).toBe(message)
  })

  it('is short even when lines are long', async () => {
    const engine = await anEngineWith(`${'x'.repeat(100_000)}\n`)

    await recordJobState(engine, anEndedJob({ task: 1 }))

    expect((await engine.runs.find(RUN_ID))?.failure?.message.length).toBeLessThan(1100)
  })

  it('is unchanged when the log cannot be read', async () => {
    const failure = { kind: 'task-failed', message: 'exit code 1' } as const
    const logs = { read: () => Promise.reject(new Error('unavailable')) }

    expect(await explainByLog(logs, anEndedJob({ task: 1 }), failure)).toBe(failure)
  })
})

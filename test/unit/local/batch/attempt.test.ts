import { describe, expect, it } from 'vitest'
import { runContainers, type StartContainer } from '../../../../local/batch/attempt.ts'
import { type AttemptStop, concludeAttempt } from '../../../../local/batch/attempt-outcome.ts'
import type { ContainerEnd } from '../../../../local/batch/job.ts'
import { aContainer, theContainers } from './builders.ts'

/** Starts containers that end at once with these codes; all others run until they are stopped. */
function startWith(exitCodes: Readonly<Record<string, number>>, started: string[] = []): StartContainer {
  return async ({ name }, signal, onStarted) => {
    started.push(name)
    onStarted()
    const exitCode = exitCodes[name]
    if (exitCode !== undefined) return { name, exitCode }
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    }
    return { name, exitCode: 137 }
  }
}

const never = new AbortController().signal

describe('containers of a task', () => {
  it('run in sequence when each one waits for the success of the previous one', async () => {
    const started: string[] = []
    const start = startWith({ 'stage-in': 0, task: 0, 'stage-out': 0 }, started)

    const ends = await runContainers(theContainers(), start, never)

    expect(started).toEqual(['stage-in', 'task', 'stage-out'])
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0])
  })

  it('run stage-out after a task that failed', async () => {
    const started: string[] = []
    const start = startWith({ 'stage-in': 0, task: 3, 'stage-out': 100 }, started)

    const ends = await runContainers(theContainers(), start, never)

    expect(started).toEqual(['stage-in', 'task', 'stage-out'])
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 3, 100])
  })

  it('do not start after a stage-in that failed', async () => {
    const started: string[] = []

    const ends = await runContainers(theContainers(), startWith({ 'stage-in': 1 }, started), never)

    const reason = expect.stringMatching(
      /^CannotStartContainerError: dependency graph: failed to resolve container ordering dependency/u,
    )
    expect(started).toEqual(['stage-in'])
    expect(ends).toEqual([
      { name: 'stage-in', exitCode: 1 },
      { name: 'task', exitCode: 143, reason },
      { name: 'stage-out', exitCode: 143, reason },
    ])
  })

  it('do not start after a task that could not be started, which has no exit code', async () => {
    const reason = 'CannotStartContainerError: no such file or directory'
    const start: StartContainer = async ({ name }) =>
      name === 'task' ? { name, reason } : { name, exitCode: 0 }

    const ends = await runContainers(theContainers(), start, never)

    expect(ends).toMatchObject([
      { name: 'stage-in', exitCode: 0 },
      { name: 'task', reason },
      { name: 'stage-out', exitCode: 143 },
    ])
  })

  it('are stopped when the essential one ends', async () => {
    const containers = [aContainer({ name: 'side' }), aContainer({ name: 'main', essential: true })]

    const ends = await runContainers(containers, startWith({ main: 0 }), never)

    expect(ends).toEqual([
      { name: 'side', exitCode: 137 },
      { name: 'main', exitCode: 0 },
    ])
  })

  it('end when the attempt is stopped, and none starts afterwards', async () => {
    const stop = new AbortController()
    const running = runContainers(theContainers(), startWith({ 'stage-in': 0 }), stop.signal)

    stop.abort()
    const ends = await running

    expect(ends.map(({ exitCode }) => exitCode)).not.toContain(0)
  })

  it('may be listed before those that they depend on', async () => {
    const started: string[] = []
    const start = startWith({ 'stage-in': 0, task: 0, 'stage-out': 0 }, started)

    await runContainers(theContainers().reverse(), start, never)

    expect(started).toEqual(['stage-in', 'task', 'stage-out'])
  })

  it.each([
    ['START', undefined],
    ['COMPLETE', 9],
  ] as const)('start on %s of another container', async (condition, exitCode) => {
    const other = aContainer({ name: 'other' })
    const dependsOn = [{ containerName: 'other', condition }]
    const main = aContainer({ name: 'main', essential: true, dependsOn })
    const exitCodes = { main: 0, ...(exitCode === undefined ? {} : { other: exitCode }) }

    const ends = await runContainers([other, main], startWith(exitCodes), never)

    expect(ends.at(-1)).toEqual({ name: 'main', exitCode: 0 })
  })
})

describe('the outcome of an attempt', () => {
  const done: readonly ContainerEnd[] = [
    { name: 'stage-in', exitCode: 0 },
    { name: 'task', exitCode: 0 },
    { name: 'stage-out', exitCode: 0 },
  ]
  const neverStarted = {
    name: 'stage-out',
    exitCode: 143,
    reason: 'CannotStartContainerError: dependency graph',
  }
  const taskFailed = [
    done[0],
    { name: 'task', exitCode: 3 },
    { name: 'stage-out', exitCode: 100 },
  ] as ContainerEnd[]
  const notStarted = [done[0], { name: 'task' }, neverStarted] as ContainerEnd[]
  const uploadFailed = [done[0], done[1], { name: 'stage-out', exitCode: 1 }] as ContainerEnd[]
  const cases: [string, readonly ContainerEnd[], AttemptStop | undefined, boolean, string][] = [
    ['all containers succeeded', done, undefined, true, 'Essential container in task exited'],
    ['the task failed', taskFailed, undefined, false, 'Essential container in task exited'],
    ['the task was not started', notStarted, undefined, false, 'Task failed to start'],
    ['stage-out failed', uploadFailed, undefined, false, 'Essential container in task exited'],
    ['the attempt timed out', taskFailed, 'timed-out', false, 'Job attempt duration exceeded timeout'],
    ['the job was terminated', taskFailed, 'terminated', false, 'Enough'],
  ]

  it.each(cases)('follows from its containers when %s', (_, ends, stop, succeeded, statusReason) => {
    const outcome = concludeAttempt(theContainers(), ends, stop, 'Enough')

    expect(outcome).toEqual({ succeeded, statusReason })
  })
})

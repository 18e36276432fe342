import { describe, expect, it } from 'vitest'
import { completeDeletion, deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { sweepRuns } from '../../../src/lifecycle/sweep-runs.ts'
import { jobNameOf } from '../../../src/run/job/job-definition.ts'
import { anInput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { provisionInput } from '../../fixtures/provision-by-id.ts'
import { REFUSALS } from '../inputs/refusals.ts'

type Engine = Awaited<ReturnType<typeof anEngine>>

const LOG = 'task/task/1'
const EARLIER_LOG = 'task/task/0'
const LONG = 'x'.repeat(5000)

/** A RUNNING run with an input and an output in the bucket. */
async function aRunningRun() {
  const task = aTask({ inputs: [anInput({ name: 'text', type: { id: 'string', minLength: 0 } })] })
  const engine = await anEngine({ task, run: {} })
  await provisionInput(engine, RUN_ID, { parameterName: 'text', value: LONG })
  await engine.runs.transition(RUN_ID, { to: 'QUEUING' })
  await engine.workflow.start(RUN_ID)
  const { jobId } = await engine.scheduler.submit({
    jobName: jobNameOf(RUN_ID, 1),
    jobQueueArn: 'tasks',
    share: 'runs',
    jobDefinitionArn: engine.task.jobDefinitionArn ?? '',
    overrides: {} as never,
    tags: {},
  })
  await engine.runs.transition(RUN_ID, {
    to: 'RUNNING',
    set: {
      job: {
        attempt: 1,
        jobName: jobNameOf(RUN_ID, 1),
        jobId,
        logStreamName: LOG,
        otherLogStreams: [EARLIER_LOG],
      },
    },
  })
  for (const id of ['0', '1', '2']) {
    for (const container of ['stage-in', 'task', 'stage-out'])
      engine.logs.put(`task/${container}/${id}`, 'a line')
  }
  await engine.objects.put(`task-run-outputs-${RUN_ID}/1-1/sum`, '1')
  return { engine, jobId }
}

describe('the deletion of a run', () => {
  it('cancels job and workflow, and leaves no file and no log', async () => {
    const { engine, jobId } = await aRunningRun()

    await deleteRun(engine, RUN_ID)

    expect(await engine.runs.find(RUN_ID)).toBeUndefined()
    expect(engine.objects.keys()).toEqual([])
    // The streams of an interrupted attempt, whose names were not recorded.
    expect(engine.logs.streams()).toEqual(['task/stage-in/2', 'task/task/2', 'task/stage-out/2'])
    expect([...engine.workflow.stoppedRuns.keys()]).toEqual([RUN_ID])
    expect([...engine.scheduler.terminations.keys()]).toEqual([jobId])
  })

  it('is completed by removing late files, values, logs and the item', async () => {
    const { engine, jobId } = await aRunningRun()
    const containers = [{ name: 'task', logStreamName: 'task/task/2' }]
    engine.scheduler.change(jobId, { attempts: [{ taskProperties: [{ containers }] }] })
    await deleteRun(engine, RUN_ID)
    await engine.objects.put(`task-run-outputs-${RUN_ID}/1-1/sum`, '1')

    await completeDeletion(engine, RUN_ID)

    expect(await engine.runs.listIdsByTask(engine.task.id)).toEqual([])
    expect(engine.objects.keys()).toEqual([])
    expect(engine.logs.streams()).toEqual([])
  })

  it('hides the run from its first step', async () => {
    const { engine } = await aRunningRun()
    const objects = { ...engine.objects, removeAll: () => Promise.reject(new Error('unavailable')) }

    await expect(deleteRun({ ...engine, objects }, RUN_ID)).rejects.toThrow('unfinished')

    expect(await engine.runs.find(RUN_ID)).toBeUndefined()
    await expect(engine.runs.transition(RUN_ID, { to: 'FINISHED' })).rejects.toMatchObject({ run: undefined })
  })

  const away = () => Promise.reject(new Error('unavailable'))
  const BREAKS: readonly (readonly [string, (engine: Engine) => Engine])[] = [
    [
      'the inputs',
      (engine) => {
        const removeAll = (prefix: string) =>
          prefix.startsWith('task-run-inputs') ? away() : engine.objects.removeAll(prefix)
        return { ...engine, objects: { ...engine.objects, removeAll } }
      },
    ],
    [
      'the outputs',
      (engine) => {
        const removeAll = (prefix: string) =>
          prefix.startsWith('task-run-outputs') ? away() : engine.objects.removeAll(prefix)
        return { ...engine, objects: { ...engine.objects, removeAll } }
      },
    ],
    ['the log', (engine) => ({ ...engine, logs: { ...engine.logs, remove: away } })],
    ['the record', (engine) => ({ ...engine, runs: { ...engine.runs, remove: away } })],
  ]

  it.each(BREAKS)('is completed when it is repeated after an interruption at %s', async (_, broken) => {
    const { engine, jobId } = await aRunningRun()
    await engine.runs.beginRemoval(RUN_ID)
    await expect(completeDeletion(broken(engine), RUN_ID)).rejects.toThrow('unavailable')

    await completeDeletion(engine, RUN_ID)

    expect(await engine.runs.listIdsByTask(engine.task.id)).toEqual([])
    expect(engine.objects.keys()).toEqual([])
    expect([...engine.scheduler.terminations.keys()]).toEqual([jobId])
  })

  it('removes outputs and log when the inputs cannot be removed', async () => {
    const { engine } = await aRunningRun()
    const removeAll = (prefix: string) =>
      prefix.startsWith('task-run-inputs') ? away() : engine.objects.removeAll(prefix)

    const deleting = deleteRun({ ...engine, objects: { ...engine.objects, removeAll } }, RUN_ID)

    await expect(deleting).rejects.toThrow('unavailable')
    expect(engine.objects.keys().filter((key) => !key.startsWith('task-run-inputs'))).toEqual([])
    expect(engine.logs.streams()).not.toContain(LOG)
  })

  it.each(REFUSALS)(
    'removes everything when the workflow and the job refuse to stop: %s',
    async (_, refuse) => {
      const { engine, jobId } = await aRunningRun()
      const stubborn = {
        ...engine,
        workflow: { ...engine.workflow, stop: refuse },
        scheduler: { ...engine.scheduler, terminate: refuse },
      }

      await deleteRun(stubborn, RUN_ID)
      const left = [engine.objects.keys(), engine.logs.streams().filter((stream) => !stream.endsWith('/2'))]
      await completeDeletion(stubborn, RUN_ID)

      expect(left).toEqual([[], []])
      expect(await engine.runs.listIdsByTask(engine.task.id)).toEqual([])
      expect(new Set(engine.problems)).toEqual(
        new Set([`workflow not stopped: ${RUN_ID}`, `job not terminated: ${RUN_ID}`]),
      )
      expect(engine.scheduler.terminations.has(jobId)).toBe(false)
    },
  )

  it('leaves a workflow and a job that did not stop to the sweeper', async () => {
    const { engine, jobId } = await aRunningRun()
    const away = () => Promise.reject(new Error('unavailable'))
    const stubborn = {
      ...engine,
      workflow: { ...engine.workflow, stop: away },
      scheduler: { ...engine.scheduler, terminate: away },
    }
    await deleteRun(stubborn, RUN_ID)
    engine.identity.advance(600)
    const settings = { graceSeconds: 300, stepLimitSeconds: 10_800 }

    await sweepRuns(
      { ...engine, settings },
      { timeLeftMs: () => 300_000, onRepair: () => {}, onProblem: () => {} },
    )

    expect([...engine.workflow.stoppedRuns.keys()]).toEqual([RUN_ID])
    expect([...engine.scheduler.terminations.keys()]).toEqual([jobId])
  })

  it.each([RUN_ID, 'no UUID'])('does nothing for an unknown run (%s)', async (runId) => {
    await expect(deleteRun(await anEngine(), runId)).resolves.toBeUndefined()
    await expect(completeDeletion(await anEngine(), runId)).resolves.toBeUndefined()
  })
})

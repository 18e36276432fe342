import { describe, expect, it } from 'vitest'
import { KEPT_OF_FAILED_TASK } from '../../../src/contract/staging.ts'
import { runLogKey } from '../../../src/contract/storage-keys.ts'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { submitJob } from '../../../src/lifecycle/submit-job.ts'
import { type Repair, type Sweep, sweepRuns } from '../../../src/lifecycle/sweep-runs.ts'
import { jobNameOf } from '../../../src/run/job/job-definition.ts'
import type { Run } from '../../../src/run/run.ts'
import { aRun, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

const settings = { graceSeconds: 300, stepLimitSeconds: 10_800 }
const TOKEN = 'token'
const ATTEMPT_1 = { attempt: 1, jobName: jobNameOf(RUN_ID, 1), taskToken: TOKEN }

type Engine = Awaited<ReturnType<typeof anEngine>>

async function sweep(engine: Engine, changes: Partial<Sweep> = {}) {
  const repairs: Repair[] = []
  const problems: string[] = []
  const swept = await sweepRuns(
    { ...engine, settings },
    {
      timeLeftMs: () => 300_000,
      onRepair: (repair) => repairs.push(repair),
      onProblem: (runId) => problems.push(runId),
      ...changes,
    },
  )
  return { ...swept, repairs, problems }
}

/** A run that is started and whose workflow is running. */
async function started(run: Partial<Run> = {}): Promise<Engine> {
  const engine = await anEngine({ run: { state: 'QUEUING', updatedAt: '2026-01-01T00:00:00.000Z', ...run } })
  await engine.workflow.start(RUN_ID)
  return engine
}

async function submitted(): Promise<Engine> {
  const engine = await started()
  await submitJob(engine, { runId: RUN_ID, taskToken: TOKEN })
  return engine
}

const stateOf = async (engine: Engine) => (await engine.runs.find(RUN_ID))?.state

describe('a sweep of a job that continues although one of its containers has failed', () => {
  // As DescribeJobs returns it: a container has ended, the job is RUNNING, stage-out is PENDING or running.
  const jobWith = (...containers: object[]) => ({
    status: 'RUNNING' as const,
    attempts: [],
    ecsProperties: { taskProperties: [{ containers: [...containers, { name: 'stage-out' }] }] },
  })
  const stageIn = { name: 'stage-in', exitCode: 0, logStreamName: 'a/stage-in/1' }
  const taskEndedWith3 = jobWith(stageIn, { name: 'task', exitCode: 3, logStreamName: 'a/task/1' })
  const taskNotPulled = jobWith(stageIn, { name: 'task', reason: 'CannotPullContainerError: gone' })
  const stagingSeconds = settings.graceSeconds + KEPT_OF_FAILED_TASK.seconds

  async function stalled(job: ReturnType<typeof jobWith> = taskEndedWith3): Promise<Engine> {
    const engine = await submitted()
    engine.scheduler.change('job-1', job)
    engine.logs.put('a/task/1', 'out of luck\n')
    await sweep(engine)
    return engine
  }

  it("fails the run with the task's exit code and output, and terminates the job, after the time for stage-out", async () => {
    const engine = await stalled()
    expect(await stateOf(engine)).toBe('RUNNING')

    engine.identity.advance(stagingSeconds)
    const { repairs } = await sweep(engine)

    expect((await engine.runs.find(RUN_ID))?.failure).toEqual({
      kind: 'task-failed',
      message: 'the task ended with exit code 3\nIts log ends with:\nout of luck',
      exitCode: 3,
      attempt: 1,
    })
    expect(repairs).toEqual([
      { repair: 'run-failed', runId: RUN_ID, reason: 'the task ended with exit code 3' },
    ])
    expect(engine.scheduler.terminations.get('job-1')).toBe('the task ended with exit code 3')
  })

  it('reports no repair while stage-out may be running', async () => {
    const engine = await submitted()
    engine.scheduler.change('job-1', { ...jobWith(stageIn, { name: 'task' }), status: 'RUNNING' })
    await sweep(engine)
    engine.scheduler.change('job-1', taskEndedWith3)

    const { repairs } = await sweep(engine)

    expect(repairs).toEqual([])
    expect((await engine.runs.find(RUN_ID))?.job?.isStalled).toBe(true)
  })

  it('leaves stage-out the time to upload what a failed task wrote', async () => {
    const engine = await stalled()

    engine.identity.advance(stagingSeconds - 1)
    await sweep(engine)

    expect(await stateOf(engine)).toBe('RUNNING')
    expect(engine.scheduler.terminations.size).toBe(0)
  })

  it('waits only for ECS and Batch when stage-out cannot be running', async () => {
    const engine = await stalled(taskNotPulled)

    engine.identity.advance(settings.graceSeconds - 1)
    await sweep(engine)
    const early = await stateOf(engine)
    engine.identity.advance(1)
    await sweep(engine)

    expect([early, await stateOf(engine)]).toEqual(['RUNNING', 'FAILED'])
    expect((await engine.runs.find(RUN_ID))?.failure?.kind).toBe('image-unavailable')
  })

  it('ignores a job that Batch retries', async () => {
    const engine = await stalled()
    const containers = [{ name: 'stage-in', logStreamName: 'a/stage-in/2' }, { name: 'task' }]
    engine.scheduler.change('job-1', { ecsProperties: { taskProperties: [{ containers }] } })

    await sweep(engine)
    engine.identity.advance(stagingSeconds)
    await sweep(engine)

    expect((await engine.runs.find(RUN_ID))?.job).not.toHaveProperty('isStalled')
    expect(await stateOf(engine)).toBe('RUNNING')
  })
})

describe('a sweep of runs whose events were lost', () => {
  it('records the job state of Batch at any age of the run', async () => {
    const engine = await submitted()
    engine.scheduler.change('job-1', { status: 'RUNNING' })

    const { repairs } = await sweep(engine)

    expect(repairs).toEqual([{ repair: 'state-recorded', runId: RUN_ID, status: 'RUNNING' }])
    expect(await stateOf(engine)).toBe('RUNNING')
  })

  it('completes the token of an ended job, and does so again when the first call was lost', async () => {
    const engine = await submitted()
    engine.scheduler.change('job-1', { status: 'SUCCEEDED', attempts: [{ taskProperties: [] }] })
    const tokens: string[] = []
    const succeedToken = async (token: string) => void tokens.push(token)
    const listening = { ...engine, workflow: { ...engine.workflow, succeedToken } }

    const first = await sweep(listening)
    const second = await sweep(listening)

    expect(tokens).toEqual([TOKEN, TOKEN])
    expect([first.repairs.length, second.repairs.length]).toEqual([1, 0])
  })

  it('ends a run whose job failed, as the event would have done', async () => {
    const engine = await submitted()
    const containers = [{ name: 'task', exitCode: 3 }]
    engine.scheduler.change('job-1', { status: 'FAILED', attempts: [{ taskProperties: [{ containers }] }] })

    await sweep(engine)

    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'FAILED',
      failure: { kind: 'task-failed', exitCode: 3 },
    })
  })

  it('keeps the log of a job that has ended, as the event would have done', async () => {
    const engine = await submitted()
    const containers = [{ name: 'task', exitCode: 3, logStreamName: 'a/task/1' }]
    engine.scheduler.change('job-1', { status: 'FAILED', attempts: [{ taskProperties: [{ containers }] }] })
    engine.logs.put('a/task/1', 'last words\n')

    await sweep(engine)

    expect(engine.objects.text(runLogKey(RUN_ID))).toBe('last words\n')
  })

  it('ends a run although its log cannot be kept', async () => {
    const engine = await submitted()
    const containers = [{ name: 'task', exitCode: 0, logStreamName: 'a/task/1' }]
    engine.scheduler.change('job-1', {
      status: 'SUCCEEDED',
      attempts: [{ taskProperties: [{ containers }] }],
    })
    engine.logs.put('a/task/1', 'last words\n')
    const put = () => Promise.reject(new Error('unavailable'))

    const { repairs, problems } = await sweep({ ...engine, objects: { ...engine.objects, put } })

    expect([repairs.length, problems]).toEqual([1, [RUN_ID]])
    expect(engine.workflow.answers.has(TOKEN)).toBe(true)
  })

  it('ignores a run without problems of any age', async () => {
    const engine = await submitted()
    engine.scheduler.change('job-1', { status: 'RUNNING' })
    await sweep(engine)
    const before = await engine.runs.find(RUN_ID)
    engine.identity.advance(40 * 3600)

    const { repairs, problems } = await sweep(engine)

    expect([repairs, problems]).toEqual([[], []])
    expect(await engine.runs.find(RUN_ID)).toEqual(before)
    expect(engine.scheduler.terminations.size + engine.workflow.stoppedRuns.size).toBe(0)
  })
})

describe('a sweep of runs whose start was interrupted', () => {
  it('starts a missing workflow after the grace period', async () => {
    const engine = await anEngine({ run: { state: 'QUEUING', updatedAt: '2026-01-01T00:00:00.000Z' } })
    engine.identity.advance(settings.graceSeconds - 1)
    const early = await sweep(engine)
    engine.identity.advance(1)

    const { repairs } = await sweep(engine)

    expect(early.repairs).toEqual([])
    expect(repairs).toEqual([{ repair: 'workflow-started', runId: RUN_ID }])
    expect([...engine.workflow.startedRuns]).toEqual([RUN_ID])
  })

  it('finds a job by name when its id was not stored', async () => {
    const engine = await submitted()
    await engine.runs.recordJob(RUN_ID, ATTEMPT_1)
    engine.identity.advance(settings.graceSeconds)
    engine.scheduler.change('job-1', { status: 'RUNNABLE' })

    const { repairs } = await sweep(engine)

    expect(repairs).toEqual([{ repair: 'state-recorded', runId: RUN_ID, status: 'RUNNABLE' }])
    expect(await engine.runs.find(RUN_ID)).toMatchObject({ state: 'PENDING', job: { jobId: 'job-1' } })
  })

  it('makes the workflow repeat a submission that did not reach Batch', async () => {
    const engine = await started({ job: ATTEMPT_1 })
    engine.identity.advance(settings.graceSeconds)

    const { repairs } = await sweep(engine)

    expect(repairs).toEqual([{ repair: 'submission-repeated', runId: RUN_ID }])
    expect(engine.workflow.answers.get(TOKEN)).toMatchObject({ error: 'SubmissionInterrupted' })
    expect(await stateOf(engine)).toBe('QUEUING')
  })

  it('fails a run whose step exceeds the time limit', async () => {
    const engine = await started({ job: ATTEMPT_1 })
    engine.identity.advance(settings.stepLimitSeconds)

    const { repairs } = await sweep(engine)

    expect(repairs).toMatchObject([{ repair: 'run-failed', runId: RUN_ID }])
    expect(await engine.runs.find(RUN_ID)).toMatchObject({ failure: { kind: 'engine-error' } })
    expect(engine.workflow.stoppedRuns.has(RUN_ID)).toBe(true)
  })
})

describe('a sweep of runs that cannot end otherwise', () => {
  it.each(['FAILED', 'TIMED_OUT', 'SUCCEEDED'] as const)('fails one whose workflow is %s', async (status) => {
    const engine = await submitted()
    engine.workflow.end(RUN_ID, status)
    engine.identity.advance(settings.graceSeconds)

    await sweep(engine)

    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'FAILED',
      failure: { kind: 'engine-error', message: expect.stringContaining(status) },
    })
    expect([...engine.scheduler.terminations.keys()]).toEqual(['job-1'])
  })

  it('fails one whose job Batch no longer returns', async () => {
    const engine = await submitted()
    engine.scheduler.forget('job-1')
    engine.identity.advance(settings.graceSeconds)

    await sweep(engine)

    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'FAILED',
      failure: { message: 'AWS Batch no longer knows the job of the run' },
    })
    expect(engine.workflow.stoppedRuns.has(RUN_ID)).toBe(true)
  })

  it('ignores one that has changed since it was read', async () => {
    const engine = await started({ job: ATTEMPT_1 })
    engine.identity.advance(settings.stepLimitSeconds)
    const transition: typeof engine.runs.transition = async (runId, change) => {
      await engine.runs.recordJob(RUN_ID, { ...ATTEMPT_1, attempt: 2 })
      return engine.runs.transition(runId, change)
    }

    const { repairs } = await sweep({ ...engine, runs: { ...engine.runs, transition } })

    expect(repairs).toEqual([])
    expect(await stateOf(engine)).toBe('QUEUING')
  })
})

describe('a sweep of jobs and workflows without a run', () => {
  it('ends jobs and workflows of deleted runs', async () => {
    const engine = await submitted()
    const away = async () => {}
    await deleteRun(
      {
        ...engine,
        scheduler: { ...engine.scheduler, terminate: away },
        workflow: { ...engine.workflow, stop: away },
      },
      RUN_ID,
    )
    engine.identity.advance(settings.graceSeconds)

    const { repairs } = await sweep(engine)

    expect(repairs).toEqual([
      { repair: 'workflow-stopped', runId: RUN_ID },
      { repair: 'job-ended', runId: RUN_ID, jobId: 'job-1' },
    ])
  })

  it('terminates a job that was replaced by another', async () => {
    const engine = await submitted()
    await engine.runs.recordJob(RUN_ID, { ...ATTEMPT_1, attempt: 2, jobName: jobNameOf(RUN_ID, 2) })
    engine.identity.advance(settings.graceSeconds)

    await sweep(engine)

    expect([...engine.scheduler.terminations.keys()]).toEqual(['job-1'])
    expect(await stateOf(engine)).toBe('QUEUED')
  })

  it('leaves a run that has just ended time for its own clean-up', async () => {
    const engine = await submitted()
    engine.identity.advance(settings.graceSeconds)
    await engine.runs.transition(RUN_ID, { to: 'FINISHED' })

    const { repairs } = await sweep(engine)

    expect(repairs).toEqual([])
  })

  it('ignores jobs without a run', async () => {
    const engine = await started()
    const { jobDefinitionArn } = engine.task
    const job = {
      jobName: 'nightly-backup',
      jobQueueArn: 'tasks',
      share: 'runs',
      jobDefinitionArn: jobDefinitionArn ?? '',
      tags: {},
    }
    await engine.scheduler.submit({ ...job, overrides: { taskProperties: [{ containers: [] }] } })
    engine.identity.advance(settings.graceSeconds)

    await sweep(engine)

    expect(engine.scheduler.terminations.size).toBe(0)
  })
})

describe('a sweep of many runs', () => {
  const idOf = (index: number) => `00000000-0000-4000-9000-${String(index).padStart(12, '0')}`

  async function manyRuns(count: number): Promise<Engine> {
    const engine = await anEngine()
    for (let index = 0; index < count; index += 1) {
      const updatedAt = new Date(Date.parse('2026-01-01T00:00:00Z') + index).toISOString()
      await engine.runs.create(aRun({ id: idOf(index), state: 'QUEUING', updatedAt }))
    }
    engine.identity.advance(settings.graceSeconds + 1)
    return engine
  }

  it('reads all pages', async () => {
    const engine = await manyRuns(250)

    const { runs, next } = await sweep(engine)

    expect([runs, next]).toEqual([250, undefined])
    expect(engine.workflow.startedRuns.size).toBe(250)
  })

  it('stops at its time limit, and continues there in the next call', async () => {
    const engine = await manyRuns(250)
    let pages = 2
    const timeLeftMs = () => (pages-- > 0 ? 300_000 : 1000)

    const first = await sweep(engine, { timeLeftMs })
    const startedFirst = engine.workflow.startedRuns.size
    const second = await sweep(engine, { after: first.next })

    expect(startedFirst).toBe(200)
    expect([engine.workflow.startedRuns.size, second.runs]).toEqual([250, 50])
  })

  it('handles the others when one fails', async () => {
    const engine = await manyRuns(3)
    const start = async (runId: string) => {
      if (runId === idOf(1)) throw new Error('unavailable')
      await engine.workflow.start(runId)
    }

    const { problems } = await sweep({ ...engine, workflow: { ...engine.workflow, start } })

    expect(problems).toEqual([idOf(1)])
    expect([...engine.workflow.startedRuns]).toEqual([idOf(0), idOf(2)])
  })
})

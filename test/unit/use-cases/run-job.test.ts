import { describe, expect, it } from 'vitest'
import { jobNameOf } from '../../../src/domain/job/job-definition.ts'
import type { JobDetail, JobStatus } from '../../../src/domain/run/job-outcome.ts'
import { failRun } from '../../../src/use-cases/fail-run.ts'
import { recordJobState } from '../../../src/use-cases/record-job-state.ts'
import { submitJob } from '../../../src/use-cases/submit-job.ts'
import { aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

const TOKEN = 'token'
const submitted = async () => {
  const engine = await anEngine({ run: { state: 'QUEUING' } })
  await submitJob(engine, { runId: RUN_ID, taskToken: TOKEN })
  return engine
}
const anEvent = (status: JobStatus, changes: Partial<JobDetail> = {}): JobDetail => ({
  jobName: jobNameOf(RUN_ID, 1),
  jobId: 'job-1',
  status,
  attempts: [],
  ...changes,
})

describe('submitting a run', () => {
  it('stores token and name before, the job id after', async () => {
    const engine = await submitted()

    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'QUEUED',
      job: { attempt: 1, jobName: jobNameOf(RUN_ID, 1), jobId: 'job-1', taskToken: TOKEN },
    })
  })

  it('gives the secret to the stager and nothing to the task', async () => {
    const engine = await submitted()

    const [submission] = engine.scheduler.submissions.values()

    const containers = submission?.overrides.taskProperties[0].containers ?? []
    expect(containers.map((container) => container.name)).toEqual(['stage-in', 'stage-out'])
    expect(JSON.stringify(containers)).toContain('secret-of-the-run')
  })

  it('asks the workflow to come again when Batch is throttled', async () => {
    const engine = await anEngine({ run: { state: 'QUEUING' } })
    engine.scheduler.throttle(1)

    await submitJob(engine, { runId: RUN_ID, taskToken: TOKEN })

    expect(engine.workflow.answers.get(TOKEN)).toMatchObject({ kind: 'failure', error: 'JobThrottled' })
  })

  it('fails at once, in words, what no machine can hold', async () => {
    const task = aTask({ jobDefinitionArn: null, unschedulableReason: 'the task asks for 500 PB of memory' })
    const engine = await anEngine({ task, run: { state: 'QUEUING' } })

    await submitJob(engine, { runId: RUN_ID, taskToken: TOKEN })

    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'FAILED',
      failure: { kind: 'unschedulable', message: 'the task asks for 500 PB of memory' },
    })
    expect(engine.workflow.answers.has(TOKEN)).toBe(true)
  })

  it('submits nothing for a run that has ended', async () => {
    const engine = await anEngine({ run: { state: 'FAILED' } })

    await submitJob(engine, { runId: RUN_ID, taskToken: TOKEN })

    expect(engine.scheduler.submissions.size).toBe(0)
    expect(engine.workflow.answers.get(TOKEN)).toMatchObject({ kind: 'failure' })
  })
})

describe('events of a job', () => {
  it('move the run forward and never back', async () => {
    const engine = await submitted()

    const outcomes: string[] = []
    const seen: (string | undefined)[] = []
    for (const status of ['RUNNING', 'RUNNABLE', 'RUNNING', 'STARTING'] as const) {
      outcomes.push(await recordJobState(engine, anEvent(status)))
      seen.push((await engine.runs.find(RUN_ID))?.state)
    }

    expect(outcomes).toEqual(['recorded', 'stale', 'stale', 'stale'])
    expect(seen).toEqual(['RUNNING', 'RUNNING', 'RUNNING', 'RUNNING'])
  })

  it('answer the token with the last one, and leave FINISHED to the check of the outputs', async () => {
    const engine = await submitted()

    await recordJobState(engine, anEvent('SUCCEEDED', { attempts: [{ taskProperties: [] }] }))

    expect(engine.workflow.answers.get(TOKEN)).toMatchObject({ kind: 'success' })
    expect(await engine.runs.find(RUN_ID)).toMatchObject({ state: 'QUEUED', job: { succeededAttempt: 1 } })
  })

  it('tell why a job failed', async () => {
    const engine = await submitted()
    const containers = [{ name: 'task', exitCode: 3, logStreamName: 'stream' }]

    await recordJobState(engine, anEvent('FAILED', { attempts: [{ taskProperties: [{ containers }] }] }))

    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'FAILED',
      failure: { kind: 'task-failed', exitCode: 3, attempt: 1 },
      job: { logStreamName: 'stream' },
    })
    expect(engine.workflow.answers.get(TOKEN)).toMatchObject({ kind: 'failure', error: 'task-failed' })
  })

  it('of an end answer the token again when they come again: the first may have died half-way', async () => {
    const engine = await submitted()
    await engine.runs.transition(RUN_ID, {
      to: 'FAILED',
      set: { failure: { kind: 'task-failed', message: 'first' } },
    })

    expect(await recordJobState(engine, anEvent('FAILED'))).toBe('stale')

    expect(engine.workflow.answers.has(TOKEN)).toBe(true)
    expect((await engine.runs.find(RUN_ID))?.failure?.message).toBe('first')
  })

  it.each([
    ['of another attempt', jobNameOf(RUN_ID, 2), 'stale'],
    ['of a run that is gone', jobNameOf('99999999-9999-4999-8999-999999999999', 1), 'stale'],
    ['of a job that is not ours', 'nightly-backup', 'not-ours'],
  ])('%s change nothing', async (_, jobName, outcome) => {
    const engine = await submitted()

    expect(await recordJobState(engine, anEvent('FAILED', { jobName }))).toBe(outcome)

    expect((await engine.runs.find(RUN_ID))?.state).toBe('QUEUED')
  })
})

describe('a workflow that went wrong', () => {
  it('ends the run with what the step said', async () => {
    const engine = await submitted()

    await failRun(engine, { runId: RUN_ID, error: 'Error', cause: 'no such table' })

    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'FAILED',
      failure: { kind: 'engine-error', message: expect.stringContaining('no such table') },
    })
  })

  it('keeps the end that the run has', async () => {
    const engine = await anEngine({ run: { state: 'FINISHED' } })

    await failRun(engine, { runId: RUN_ID, error: 'States.Timeout', cause: '' })

    expect((await engine.runs.find(RUN_ID))?.state).toBe('FINISHED')
  })
})

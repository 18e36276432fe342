import { describe, expect, it } from 'vitest'
import { setRunId } from '../../../src/contract/set-run-id.ts'
import { cancelRun } from '../../../src/lifecycle/cancel-run.ts'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { failRun } from '../../../src/lifecycle/fail-run.ts'
import { recordJobState } from '../../../src/lifecycle/record-job-state.ts'
import { submitJob } from '../../../src/lifecycle/submit-job.ts'
import { jobNameOf } from '../../../src/run/job/job-definition.ts'
import type { JobDetail, JobStatus } from '../../../src/run/job/job-outcome.ts'
import { aTask, RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { SET_ID } from '../../fixtures/run-sets.ts'

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
  it('stores token and name before the call, and the job id afterwards', async () => {
    const engine = await submitted()

    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'QUEUED',
      job: { attempt: 1, jobName: jobNameOf(RUN_ID, 1), jobId: 'job-1', taskToken: TOKEN },
    })
  })

  it('passes the secret to the stager, and no variable to the task', async () => {
    const engine = await submitted()

    const [submission] = engine.scheduler.submissions.values()

    const containers = submission?.overrides.taskProperties[0].containers ?? []
    expect(containers.map((container) => container.name)).toEqual(['stage-in', 'stage-out'])
    expect(JSON.stringify(containers)).toContain('secret-of-the-run')
  })

  it('tags the job with its installation, which alone may terminate it', async () => {
    const engine = await submitted()

    const [submission] = engine.scheduler.submissions.values()

    expect(submission?.tags).toEqual({ application: 'test', 'app-engine:run': RUN_ID })
  })

  it('makes the workflow retry when Batch throttles', async () => {
    const engine = await anEngine({ run: { state: 'QUEUING' } })
    engine.scheduler.throttle(1)

    await submitJob(engine, { runId: RUN_ID, taskToken: TOKEN })

    expect(engine.workflow.answers.get(TOKEN)).toMatchObject({ kind: 'failure', error: 'JobThrottled' })
  })

  it('fails a run at once, with an explanation, when no machine is large enough', async () => {
    const task = aTask({ jobDefinitionArn: null, unschedulableReason: 'the task requests 500 PB of memory' })
    const engine = await anEngine({ task, run: { state: 'QUEUING' } })

    await submitJob(engine, { runId: RUN_ID, taskToken: TOKEN })

    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'FAILED',
      failure: { kind: 'unschedulable', message: 'the task requests 500 PB of memory' },
    })
    expect(engine.workflow.answers.has(TOKEN)).toBe(true)
  })

  it('makes the workflow retry when the result of the submission is unknown', async () => {
    const engine = await anEngine({ run: { state: 'QUEUING' } })
    const submit = () => Promise.reject(new Error('ECONNRESET'))

    const { outcome } = await submitJob(
      { ...engine, scheduler: { ...engine.scheduler, submit } },
      { runId: RUN_ID, taskToken: TOKEN },
    )

    expect(outcome).toBe('interrupted')
    expect(engine.workflow.answers.get(TOKEN)).toEqual({
      kind: 'failure',
      error: 'SubmissionInterrupted',
      cause: 'ECONNRESET',
    })
  })

  it('fails a run whose job Batch refuses, with the reason', async () => {
    const engine = await anEngine({ run: { state: 'QUEUING' } })
    await engine.scheduler.deregisterDefinition(engine.task.jobDefinitionArn ?? '')

    await submitJob(engine, { runId: RUN_ID, taskToken: TOKEN })

    expect(engine.workflow.answers.get(TOKEN)).toEqual({
      kind: 'failure',
      error: 'JobRefused',
      cause: 'the job definition does not exist',
    })
  })

  it.each([
    ['before SubmitJob', 'submit', 1],
    ['after SubmitJob, before the id was stored', 'transition', 1],
  ] as const)('results in one job when the function was killed %s', async (_, method, jobs) => {
    const engine = await anEngine({ run: { state: 'QUEUING' } })
    const dying = () => Promise.reject(new Error('killed'))
    await submitJob(
      {
        ...engine,
        scheduler: method === 'submit' ? { ...engine.scheduler, submit: dying } : engine.scheduler,
        runs: method === 'transition' ? { ...engine.runs, transition: dying } : engine.runs,
      },
      { runId: RUN_ID, taskToken: 'dead' },
    )

    await submitJob(engine, { runId: RUN_ID, taskToken: TOKEN })

    expect(engine.scheduler.submissions.size).toBe(jobs)
    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'QUEUED',
      job: { jobId: 'job-1', taskToken: TOKEN },
    })
  })

  it('completes the new token at once when the job has already ended', async () => {
    const engine = await submitted()
    engine.scheduler.change('job-1', { status: 'SUCCEEDED', attempts: [{ taskProperties: [] }] })

    const { outcome } = await submitJob(engine, { runId: RUN_ID, taskToken: 'second' })

    expect(outcome).toBe('found')
    expect(engine.scheduler.submissions.size).toBe(1)
    expect(engine.workflow.answers.get('second')).toMatchObject({ kind: 'success' })
  })

  it('is repeated under the next name when the job cannot be found', async () => {
    const job = { attempt: 1, jobName: jobNameOf(RUN_ID, 1), taskToken: 'dead' }
    const engine = await anEngine({ run: { state: 'QUEUING', job } })

    await submitJob(engine, { runId: RUN_ID, taskToken: TOKEN })

    expect((await engine.runs.find(RUN_ID))?.job).toMatchObject({
      attempt: 2,
      jobName: jobNameOf(RUN_ID, 2),
      jobId: 'job-1',
    })
  })

  it.each([
    ['cancelled', (engine: Awaited<ReturnType<typeof anEngine>>) => cancelRun(engine, RUN_ID)],
    ['deleted', (engine: Awaited<ReturnType<typeof anEngine>>) => deleteRun(engine, RUN_ID)],
  ])('leaves no job of a run that is %s during SubmitJob', async (_, end) => {
    const engine = await anEngine({ run: { state: 'QUEUING' } })
    const submit: typeof engine.scheduler.submit = async (job) => {
      const answer = await engine.scheduler.submit(job)
      await end(engine)
      return answer
    }

    const { outcome } = await submitJob(
      { ...engine, scheduler: { ...engine.scheduler, submit } },
      { runId: RUN_ID, taskToken: TOKEN },
    )

    expect(outcome).toBe('over')
    expect([...engine.scheduler.terminations.keys()]).toEqual(['job-1'])
    expect(engine.workflow.answers.get(TOKEN)).toMatchObject({ kind: 'failure', error: 'JobRefused' })
  })

  it('does nothing for a run that has ended', async () => {
    const engine = await anEngine({ run: { state: 'FAILED' } })

    await submitJob(engine, { runId: RUN_ID, taskToken: TOKEN })

    expect(engine.scheduler.submissions.size).toBe(0)
    expect(engine.workflow.answers.get(TOKEN)).toMatchObject({ kind: 'failure' })
  })
})

describe('events of a job', () => {
  it('change the run only to later states', async () => {
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

  it('complete the token at the end, and leave FINISHED to the check of the outputs', async () => {
    const engine = await submitted()

    await recordJobState(engine, anEvent('SUCCEEDED', { attempts: [{ taskProperties: [] }] }))

    expect(engine.workflow.answers.get(TOKEN)).toMatchObject({ kind: 'success' })
    expect(await engine.runs.find(RUN_ID)).toMatchObject({ state: 'RUNNING', job: { succeededAttempt: 1 } })
  })

  it('write nothing when they are repeated, but complete the token again', async () => {
    const engine = await submitted()
    const success = anEvent('SUCCEEDED', { attempts: [{ taskProperties: [] }] })
    await recordJobState(engine, success)
    const before = await engine.runs.find(RUN_ID)
    const tokens: string[] = []
    const succeedToken = async (token: string) => void tokens.push(token)

    const outcome = await recordJobState(
      { ...engine, workflow: { ...engine.workflow, succeedToken } },
      success,
    )

    expect([outcome, tokens]).toEqual(['stale', [TOKEN]])
    expect(await engine.runs.find(RUN_ID)).toEqual(before)
  })

  it('keep the changes that another event makes between reading and writing', async () => {
    const engine = await submitted()
    const { find } = engine.runs
    let isFirst = true
    const interrupted: typeof find = async (runId) => {
      const run = await find(runId)
      if (isFirst) {
        isFirst = false
        const containers = [{ name: 'task', logStreamName: 'stream' }]
        await recordJobState(
          engine,
          anEvent('RUNNING', { ecsProperties: { taskProperties: [{ containers }] } }),
        )
      }
      return run
    }

    await recordJobState(
      { ...engine, runs: { ...engine.runs, find: interrupted } },
      anEvent('SUCCEEDED', { attempts: [{ taskProperties: [] }] }),
    )

    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'RUNNING',
      job: { logStreamName: 'stream', succeededAttempt: 1 },
    })
  })

  it('keep the logs of all attempts, so that they can be deleted', async () => {
    const engine = await submitted()
    const attempt = (id: string) => ({
      taskProperties: [{ containers: [{ name: 'stage-in', logStreamName: `task-id/stage-in/${id}` }] }],
    })

    await recordJobState(engine, anEvent('RUNNABLE', { attempts: [attempt('1')] }))
    await recordJobState(
      engine,
      anEvent('SUCCEEDED', { attempts: [attempt('1'), attempt('2'), attempt('3')] }),
    )

    expect((await engine.runs.find(RUN_ID))?.job).toMatchObject({
      logStreamName: 'task-id/task/3',
      otherLogStreams: ['task-id/task/1', 'task-id/task/2'],
    })
  })

  it('record why a job waits until it runs, also when the run is PENDING', async () => {
    const engine = await submitted()
    const blocked = { statusReason: 'CAPACITY: none', createdAt: Date.parse('2026-01-01T00:00:00Z') }
    await recordJobState(engine, anEvent('RUNNABLE'))

    await recordJobState(engine, anEvent('RUNNABLE', blocked))
    const waiting = await engine.runs.find(RUN_ID)
    await recordJobState(engine, anEvent('RUNNING'))
    const late = await recordJobState(engine, anEvent('RUNNABLE', { ...blocked, statusReason: 'late' }))

    expect(waiting).toMatchObject({
      state: 'PENDING',
      job: { waiting: { reason: 'CAPACITY: none', since: '2026-01-01T00:00:00.000Z' } },
    })
    expect(late).toBe('stale')
  })

  it('remove the reason for waiting once the job has a machine', async () => {
    const engine = await submitted()
    const blocked = { statusReason: 'CAPACITY: none', createdAt: Date.parse('2026-01-01T00:00:00Z') }
    await recordJobState(engine, anEvent('RUNNABLE', blocked))

    await recordJobState(engine, anEvent('RUNNABLE'))
    const before = await engine.runs.find(RUN_ID)
    await recordJobState(engine, anEvent('STARTING'))

    expect(before?.job?.waiting?.reason).toBe('CAPACITY: none')
    expect(await engine.runs.find(RUN_ID)).toMatchObject({ state: 'PENDING', job: { jobId: 'job-1' } })
    expect((await engine.runs.find(RUN_ID))?.job?.waiting).toBeUndefined()
  })

  it('record why a job failed', async () => {
    const engine = await submitted()
    const containers = [{ name: 'task', exitCode: 3, logStreamName: 'stream' }]

    await recordJobState(engine, anEvent('FAILED', { attempts: [{ taskProperties: [{ containers }] }] }))

    expect(await engine.runs.find(RUN_ID)).toMatchObject({
      state: 'FAILED',
      failure: { kind: 'task-failed', exitCode: 3, attempt: 1 },
      job: { logStreamName: 'stream' },
    })
    expect(engine.workflow.answers.get(TOKEN)).toEqual({
      kind: 'failure',
      error: 'JobFailed',
      cause: 'task-failed: the task ended with exit code 3',
    })
  })

  it('fail the run when the task failed, even if its job SUCCEEDED', async () => {
    const engine = await submitted()
    const containers = [
      { name: 'task', exitCode: 3, logStreamName: 'stream' },
      { name: 'stage-out', exitCode: 0 },
    ]
    engine.logs.put('stream', 'out of luck\n')

    await recordJobState(engine, anEvent('SUCCEEDED', { attempts: [{ taskProperties: [{ containers }] }] }))

    const run = await engine.runs.find(RUN_ID)
    expect(run).toMatchObject({
      state: 'FAILED',
      failure: {
        kind: 'task-failed',
        message: 'the task ended with exit code 3\nIts log ends with:\nout of luck',
        exitCode: 3,
      },
    })
    expect(run?.job).not.toHaveProperty('succeededAttempt')
    expect(engine.workflow.answers.get(TOKEN)).toMatchObject({ kind: 'failure', error: 'JobFailed' })
  })

  it("record the task's exit code of a job that SUCCEEDED, if Batch reports it", async () => {
    const [known, unknown] = [await submitted(), await submitted()]
    const success = (task: object) =>
      anEvent('SUCCEEDED', {
        attempts: [{ taskProperties: [{ containers: [{ name: 'task', ...task }] }] }],
      })

    await recordJobState(known, success({ exitCode: 0 }))
    await recordJobState(unknown, success({}))

    expect((await known.runs.find(RUN_ID))?.job?.taskExitCode).toBe(0)
    expect((await unknown.runs.find(RUN_ID))?.job).not.toHaveProperty('taskExitCode')
    expect(unknown.workflow.answers.get(TOKEN)).toMatchObject({ kind: 'success' })
  })

  it('complete the token again when they are repeated, because the first worker may have crashed', async () => {
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
    ['of a run that was deleted', jobNameOf('99999999-9999-4999-8999-999999999999', 1), 'stale'],
    ['of a job of another application', 'nightly-backup', 'not-ours'],
  ])('%s change nothing', async (_, jobName, outcome) => {
    const engine = await submitted()

    expect(await recordJobState(engine, anEvent('FAILED', { jobName }))).toBe(outcome)

    expect((await engine.runs.find(RUN_ID))?.state).toBe('QUEUED')
  })
})

describe('a workflow that failed', () => {
  it.each([
    'Runtime.HandlerError',
    'Sandbox.Timedout',
    'ZipFormatError',
    'SubmissionInterrupted',
    'constructor',
    'JobRefused',
    'JobThrottled',
  ])('ends the run with its own message for %s', async (error) => {
    const engine = await submitted()
    // The form in which Lambda reports an error to Step Functions.
    const cause = JSON.stringify({
      errorType: error,
      errorMessage: 'secret',
      stackTrace: ['at /var/task/index.js:1:2'],
    })

    await failRun(engine, { runId: RUN_ID, error, cause })

    const { failure, state } = (await engine.runs.find(RUN_ID)) ?? {}
    expect([state, failure?.kind]).toEqual(['FAILED', 'engine-error'])
    expect(failure?.message).toMatch(/^(?:the App Engine could not|AWS Batch)/u)
    expect(failure?.message).not.toMatch(/error[TM]|secret|stack|\{|\.js/u)
  })

  it('terminates the job', async () => {
    const engine = await submitted()

    await failRun(engine, { runId: RUN_ID, error: 'States.Timeout', cause: '' })

    expect((await engine.runs.find(RUN_ID))?.failure?.kind).toBe('time-out')
    expect([...engine.scheduler.terminations.keys()]).toEqual(['job-1'])
  })

  it('fails a run of a set that could not be started', async () => {
    const id = setRunId({ setId: SET_ID, row: 0, round: 1 })
    const engine = await anEngine({ run: { id, state: 'PROVISIONED' } })

    await failRun(engine, { runId: id, error: 'Error', cause: '' })

    expect((await engine.runs.find(id))?.failure?.kind).toBe('engine-error')
  })

  it('ignores a run that was not started', async () => {
    const engine = await anEngine({ run: { state: 'PROVISIONED' } })

    await failRun(engine, { runId: RUN_ID, error: 'Error', cause: '' })

    expect((await engine.runs.find(RUN_ID))?.state).toBe('PROVISIONED')
  })

  it('keeps the failure of a run that has ended', async () => {
    const engine = await anEngine({ run: { state: 'FINISHED' } })

    await failRun(engine, { runId: RUN_ID, error: 'States.Timeout', cause: '' })

    expect((await engine.runs.find(RUN_ID))?.state).toBe('FINISHED')
  })
})

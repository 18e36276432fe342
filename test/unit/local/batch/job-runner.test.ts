import { describe, expect, it, vi } from 'vitest'
import type { Job } from '../../../../local/batch/job.ts'
import { JobRunner } from '../../../../local/batch/job-runner.ts'
import type { RunTask, TaskEnd } from '../../../../local/batch/run-task.ts'
import type { StateStore } from '../../../../local/batch/state-store.ts'
import { aJob, createMemoryStore } from './builders.ts'

const taskArn = 'arn:aws:ecs:us-east-1:000000000000:task/local/1'
const succeeded: TaskEnd = { taskArn, containers: [{ name: 'stage-out', exitCode: 0 }] }
const lost: TaskEnd = {
  taskArn,
  containers: [{ name: 'task', reason: 'CannotPullContainerError: gone' }, { name: 'stage-out' }],
}
const retryPulls = {
  attempts: 3,
  evaluateOnExit: [
    { action: 'RETRY', onReason: 'CannotPull*' },
    { action: 'EXIT', onReason: '*' },
  ],
}

/** A task that starts and runs until it is stopped. */
const untilStopped: RunTask = ({ signal, onStarted }) => {
  onStarted({})
  return new Promise((resolve) =>
    signal.addEventListener('abort', () =>
      resolve({ taskArn, containers: [{ name: 'task', exitCode: 137 }] }),
    ),
  )
}

function aRunner(
  runTask: RunTask,
  given: { readonly jobs?: readonly Job[]; readonly capacity?: number } = {},
): { readonly runner: JobRunner; readonly store: StateStore } {
  const store = createMemoryStore(given.jobs)
  let ids = 0
  const runner = new JobRunner({
    store,
    outbox: { notify: () => undefined },
    runTask,
    origin: { account: '000000000000', region: 'us-east-1' },
    capacity: given.capacity ?? 2,
    workDirectory: '/nowhere',
    now: () => 1000,
    uuid: () => `event-${++ids}`,
  })
  return { runner, store }
}

const statusesOf = (job: Job | undefined): string[] =>
  (job?.outbox ?? []).map(({ detail }) => (detail as Job).status)

const ended = (store: StateStore, jobId: string) =>
  vi.waitFor(() => {
    const job = store.findJob(jobId)
    expect(['SUCCEEDED', 'FAILED']).toContain(job?.status)
    return job as Job
  })

describe('jobs of the local Batch server', () => {
  it('publish every state change in order', async () => {
    const { runner, store } = aRunner(async ({ onStarted }) => {
      onStarted({})
      return succeeded
    })

    runner.accept(aJob())
    const job = await ended(store, 'job-1')

    expect(statusesOf(job)).toEqual(['PENDING', 'RUNNABLE', 'STARTING', 'RUNNING', 'SUCCEEDED'])
    expect(job).toMatchObject({ startedAt: 1000, stoppedAt: 1000, attempts: [{ startedAt: 1000 }] })
  })

  it('have the fields of AWS’s events', async () => {
    const { runner, store } = aRunner(async () => succeeded)

    runner.accept(aJob({ tags: { run: '1' } }))
    const job = await ended(store, 'job-1')

    expect(job.outbox.at(-1)).toMatchObject({
      source: 'aws.batch',
      'detail-type': 'Batch Job State Change',
      resources: [job.jobArn],
      time: '1970-01-01T00:00:01Z',
      detail: {
        jobArn: job.jobArn,
        jobName: 'run-1',
        status: 'SUCCEEDED',
        statusReason: 'Essential container in task exited',
        tags: { run: '1' },
        attempts: [{ taskProperties: [{ containers: [{ name: 'stage-out', exitCode: 0 }] }] }],
      },
    })
    expect(job.outbox.at(-1)?.detail).not.toHaveProperty('outbox')
  })

  it('wait in RUNNABLE while the maximum number of jobs runs', async () => {
    const { runner, store } = aRunner(untilStopped, { capacity: 1 })
    runner.accept(aJob({ jobId: 'one' }))

    runner.accept(aJob({ jobId: 'two' }))
    const waiting = store.findJob('two')?.status
    runner.end(store.findJob('one') as Job, 'make room', false)
    await ended(store, 'one')

    expect(waiting).toBe('RUNNABLE')
    await vi.waitFor(() => expect(store.findJob('two')?.status).toBe('RUNNING'))
  })

  it('return to RUNNABLE for a retry, according to their retry strategy', async () => {
    const ends = [lost, succeeded]
    const { runner, store } = aRunner(async () => ends.shift() ?? succeeded)

    runner.accept(aJob({ retryStrategy: retryPulls }))
    const job = await ended(store, 'job-1')

    const states = ['PENDING', 'RUNNABLE', 'STARTING', 'RUNNABLE', 'STARTING', 'SUCCEEDED']
    expect(statusesOf(job)).toEqual(states)
    expect(job.attempts.map(({ statusReason }) => statusReason)).toEqual([
      'Task failed to start',
      'Essential container in task exited',
    ])
  })

  it('fail after their last attempt', async () => {
    const { runner, store } = aRunner(async () => lost)

    runner.accept(aJob({ retryStrategy: retryPulls }))
    const job = await ended(store, 'job-1')

    expect(job.status).toBe('FAILED')
    expect(job.attempts).toHaveLength(3)
  })

  it('end with the reason of their termination, without a retry', async () => {
    const { runner, store } = aRunner(untilStopped)
    runner.accept(aJob({ retryStrategy: { attempts: 3, evaluateOnExit: [] } }))

    runner.end(store.findJob('job-1') as Job, 'cancelled by its owner', false)
    const job = await ended(store, 'job-1')

    expect(job).toMatchObject({ status: 'FAILED', statusReason: 'cancelled by its owner' })
    expect(job.attempts).toHaveLength(1)
  })

  it('can be cancelled only while they wait', async () => {
    const { runner, store } = aRunner(untilStopped, { capacity: 1 })
    runner.accept(aJob({ jobId: 'one' }))
    runner.accept(aJob({ jobId: 'two' }))

    for (const jobId of ['one', 'two']) runner.end(store.findJob(jobId) as Job, 'cancelled', true)

    expect(store.findJob('one')?.status).toBe('RUNNING')
    expect(store.findJob('two')).toMatchObject({ status: 'FAILED', statusReason: 'cancelled', attempts: [] })
  })

  it('are stopped without a retry when an attempt exceeds its time limit', async () => {
    vi.useFakeTimers()
    const { runner, store } = aRunner(untilStopped)
    const retryStrategy = { attempts: 3, evaluateOnExit: [] }
    runner.accept(aJob({ timeout: { attemptDurationSeconds: 60 }, retryStrategy }))

    await vi.advanceTimersByTimeAsync(60_000)
    vi.useRealTimers()
    const job = await ended(store, 'job-1')

    expect(job).toMatchObject({ statusReason: 'Job attempt duration exceeded timeout' })
    expect(job.attempts).toHaveLength(1)
  })

  it('fail when the server itself fails', async () => {
    const { runner, store } = aRunner(async () => {
      throw new Error('no space left')
    })

    runner.accept(aJob())
    const job = await ended(store, 'job-1')

    expect(job.statusReason).toContain('no space left')
  })

  it('fail if a killed server was running them, and run if they waited', async () => {
    const jobs = [
      aJob({ jobId: 'ran', status: 'RUNNING' }),
      aJob({ jobId: 'waited', status: 'RUNNABLE' }),
      aJob({ jobId: 'done', status: 'SUCCEEDED' }),
    ]
    const { runner, store } = aRunner(async () => succeeded, { jobs })

    runner.resume()
    await ended(store, 'waited')

    expect(store.findJob('ran')).toMatchObject({
      status: 'FAILED',
      statusReason: 'The local Batch server was stopped while the job was running',
    })
    expect(store.findJob('waited')?.status).toBe('SUCCEEDED')
    expect(store.findJob('done')?.outbox).toEqual([])
  })

  it('are unchanged when the server stops', async () => {
    const { runner, store } = aRunner(untilStopped)
    runner.accept(aJob())

    await runner.stop()

    expect(store.findJob('job-1')?.status).toBe('RUNNING')
  })
})

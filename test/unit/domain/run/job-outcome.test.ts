import { describe, expect, it } from 'vitest'
import {
  explainJobFailure,
  type JobDetail,
  jobDetailSchema,
  taskLogStream,
  waitingOf,
} from '../../../../src/domain/run/job-outcome.ts'

type Container = NonNullable<JobDetail['attempts'][number]['taskProperties'][number]>['containers'][number]

/** A FAILED job whose last attempt had these containers. */
function aFailedJob(containers: Container[], statusReason = 'Essential container in task exited'): JobDetail {
  return {
    jobName: 'run-x-1',
    jobId: 'job',
    status: 'FAILED',
    statusReason,
    attempts: [{ statusReason, taskProperties: [{ containers }] }],
  }
}

describe('the log stream of the task', () => {
  const stageIn = { name: 'stage-in', logStreamName: 'prefix/with/slash/stage-in/ecs-id' }

  it('is the one that Batch names', () => {
    const job = aFailedJob([stageIn, { name: 'task', logStreamName: 'own/task/ecs-id' }])

    expect(taskLogStream(job)).toBe('own/task/ecs-id')
  })

  it('is known by that of stage-in as soon as the job runs', () => {
    const job: JobDetail = {
      ...aFailedJob([]),
      status: 'RUNNING',
      attempts: [],
      ecsProperties: { taskProperties: [{ containers: [stageIn, { name: 'task' }] }] },
    }

    expect(taskLogStream(job)).toBe('prefix/with/slash/task/ecs-id')
  })

  it('is unknown before any container has one', () => {
    expect(taskLogStream(aFailedJob([{ name: 'task' }]))).toBeUndefined()
  })
})

describe('the reason of a failed job', () => {
  it('is the exit code of the task', () => {
    const job = aFailedJob([
      { name: 'stage-in', exitCode: 0 },
      { name: 'task', exitCode: 3 },
    ])

    expect(explainJobFailure(job)).toEqual({
      kind: 'task-failed',
      message: 'the task ended with exit code 3',
      exitCode: 3,
    })
  })

  it('is memory when the container was killed for it, not its exit code 137', () => {
    const reason = 'OutOfMemoryError: Container killed due to memory usage'

    expect(explainJobFailure(aFailedJob([{ name: 'task', exitCode: 137, reason }]))).toMatchObject({
      kind: 'out-of-memory',
      exitCode: 137,
    })
  })

  it('is the time limit when the attempt exceeded it', () => {
    const job = aFailedJob([{ name: 'task', exitCode: 137 }], 'Job attempt duration exceeded timeout')

    expect(explainJobFailure(job).kind).toBe('time-out')
  })

  it('is the image when it cannot be pulled', () => {
    const job = aFailedJob([{ name: 'task', reason: 'CannotPullContainerError: not found' }])

    expect(explainJobFailure(job)).toMatchObject({
      kind: 'image-unavailable',
      message: expect.stringContaining('not found'),
    })
  })

  it.each([
    ['stage-in', 'input-staging-failed'],
    ['stage-out', 'output-staging-failed'],
  ] as const)('is the staging when %s failed', (name, kind) => {
    expect(explainJobFailure(aFailedJob([{ name, exitCode: 1 }])).kind).toBe(kind)
  })

  it.each([
    ['of EC2', [], 'Host EC2 (instance i-0) terminated.'],
    [
      'of Fargate, not the code that its containers ended with',
      [{ name: 'task', exitCode: 143 }],
      'Your Spot Task was interrupted.',
    ],
  ])('is the host when it went away: one %s', (_, containers, statusReason) => {
    expect(explainJobFailure(aFailedJob(containers, statusReason)).kind).toBe('host-lost')
  })

  it.each([
    'Canceled by JobStateTimeLimit action due to reason: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY',
    'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement is higher than can be met',
  ])('is the lack of a machine when Batch gives up looking for one: %s', (statusReason) => {
    expect(explainJobFailure({ ...aFailedJob([], statusReason), isCancelled: true })).toEqual({
      kind: 'unschedulable',
      message: `no machine could be found for the task: ${statusReason}`,
    })
  })

  it('is the one who ended it, not the exit code of the kill', () => {
    const job = { ...aFailedJob([{ name: 'task', exitCode: 137 }], 'terminated by ops'), isTerminated: true }

    expect(explainJobFailure(job)).toEqual({
      kind: 'cancelled',
      message: 'the job was ended from outside: terminated by ops',
    })
  })

  it('is that of the last attempt, not of one that was retried', () => {
    const job = aFailedJob([{ name: 'task', exitCode: 3 }])
    const lost = { statusReason: 'Host EC2 (instance i-0) terminated.', taskProperties: [] }

    expect(explainJobFailure({ ...job, attempts: [lost, ...job.attempts] }).kind).toBe('task-failed')
  })

  it('repeats what Batch says of anything else, of the containers too', () => {
    const containers = [{ name: 'task', reason: 'CannotStartContainerError: exec format error' }]

    expect(explainJobFailure(aFailedJob(containers, 'Task failed to start'))).toEqual({
      kind: 'engine-error',
      message: 'Task failed to start; CannotStartContainerError: exec format error',
    })
  })
})

describe('the reason why a job waits', () => {
  // Shape of the user guide's example of a "Batch Job Queue Blocked" event.
  const blocked = jobDetailSchema.parse({
    jobArn: 'arn:aws:batch:us-east-1:123456789012:job/4c7599ae-0a82-49aa-ba5a-4727fcce14a8',
    jobName: 'run-x-1',
    jobId: '4c7599ae-0a82-49aa-ba5a-4727fcce14a8',
    jobQueue: 'arn:aws:batch:us-east-1:123456789012:job-queue/tasks',
    status: 'RUNNABLE',
    statusReason: 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested',
    attempts: [],
    createdAt: 1_641_944_200_058,
    retryStrategy: { attempts: 2, evaluateOnExit: [] },
    tags: {},
  })

  it('is what Batch says of a job in RUNNABLE, since its submission', () => {
    expect(waitingOf(blocked)).toEqual({
      reason: 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested',
      since: '2022-01-11T23:36:40.058Z',
    })
  })

  it('is absent when Batch says nothing, and in all other states', () => {
    expect(waitingOf({ ...blocked, statusReason: undefined })).toBeUndefined()
    expect(waitingOf({ ...blocked, status: 'FAILED' })).toBeUndefined()
  })
})

describe('the log stream of a job', () => {
  it('is the one of the task container, in a running job as in an ended one', () => {
    const containers = [
      { name: 'stage-in', logStreamName: 'in' },
      { name: 'task', logStreamName: 'stream' },
    ]
    const running: JobDetail = {
      jobName: 'run-x-1',
      jobId: 'job',
      status: 'RUNNING',
      attempts: [],
      ecsProperties: { taskProperties: [{ containers }] },
    }

    expect(taskLogStream(running)).toBe('stream')
    expect(taskLogStream(aFailedJob(containers))).toBe('stream')
  })
})

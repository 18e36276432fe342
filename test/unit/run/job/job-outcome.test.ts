import { describe, expect, it } from 'vitest'
import { explainJobFailure } from '../../../../src/run/job/job-failure.ts'
import {
  isFailure,
  isStalled,
  type JobDetail,
  jobDetailSchema,
  mayBeStagingOut,
  taskExitCode,
  taskLogStream,
  waitingOf,
} from '../../../../src/run/job/job-outcome.ts'
import { aFailedJob, type Container } from '../../../fixtures/failed-job.ts'

describe('the log stream of the task', () => {
  const stageIn = { name: 'stage-in', logStreamName: 'prefix/with/slash/stage-in/ecs-id' }

  it('is the one that Batch returns', () => {
    const job = aFailedJob([stageIn, { name: 'task', logStreamName: 'own/task/ecs-id' }])

    expect(taskLogStream(job)).toBe('own/task/ecs-id')
  })

  it('is derived from the stream of stage-in as soon as the job runs', () => {
    const job: JobDetail = {
      ...aFailedJob([]),
      status: 'RUNNING',
      attempts: [],
      ecsProperties: { taskProperties: [{ containers: [stageIn, { name: 'task' }] }] },
    }

    expect(taskLogStream(job)).toBe('prefix/with/slash/task/ecs-id')
  })

  it('is unknown before a container has one', () => {
    expect(taskLogStream(aFailedJob([{ name: 'task' }]))).toBeUndefined()
  })
})

describe('a job that continues although one of its containers has failed', () => {
  const aLiveJob = (containers: Container[], changes: Partial<JobDetail> = {}): JobDetail => ({
    jobName: 'run-x-1',
    jobId: 'job',
    status: 'RUNNING',
    attempts: [],
    ecsProperties: { taskProperties: [{ containers }] },
    ...changes,
  })
  const stageIn = { name: 'stage-in', exitCode: 0 }

  it.each<[string, Container[]]>([
    ['the task has ended with 3', [stageIn, { name: 'task', exitCode: 3 }, { name: 'stage-out' }]],
    [
      'the task cannot be pulled',
      [stageIn, { name: 'task', reason: 'CannotPullContainerError: x' }, { name: 'stage-out' }],
    ],
    [
      'stage-in has ended with 1',
      [{ name: 'stage-in', exitCode: 1 }, { name: 'task' }, { name: 'stage-out' }],
    ],
  ])('is stalled when %s', (_, containers) => {
    expect(isStalled(aLiveJob(containers))).toBe(true)
  })

  it.each<[string, JobDetail]>([
    ['the task runs', aLiveJob([stageIn, { name: 'task' }, { name: 'stage-out' }])],
    ['stage-out is running', aLiveJob([stageIn, { name: 'task', exitCode: 0 }, { name: 'stage-out' }])],
    [
      'stage-out has ended',
      aLiveJob([stageIn, { name: 'task', exitCode: 3 }, { name: 'stage-out', exitCode: 1 }]),
    ],
    ['the job has ended', aLiveJob([stageIn, { name: 'task', exitCode: 3 }], { status: 'FAILED' })],
    [
      'its properties are still those of the previous attempt',
      aLiveJob([stageIn, { name: 'task', exitCode: 137 }, { name: 'stage-out' }], {
        attempts: [{ taskProperties: [{ taskArn: 'arn:1', containers: [] }] }],
        ecsProperties: {
          taskProperties: [{ taskArn: 'arn:1', containers: [{ name: 'task', exitCode: 137 }] }],
        },
      }),
    ],
    ['it waits for the next attempt', aLiveJob([{ name: 'task', exitCode: 3 }], { status: 'RUNNABLE' })],
  ])('is not stalled while %s', (_, job) => {
    expect(isStalled(job)).toBe(false)
  })

  it.each<[string, Container[], boolean]>([
    ['the task has ended with 3', [stageIn, { name: 'task', exitCode: 3 }, { name: 'stage-out' }], true],
    [
      'the task ran out of memory',
      [stageIn, { name: 'task', exitCode: 137, reason: 'OutOfMemoryError: x' }, { name: 'stage-out' }],
      true,
    ],
    [
      'the task cannot be pulled',
      [stageIn, { name: 'task', reason: 'CannotPullContainerError: x' }, { name: 'stage-out' }],
      false,
    ],
    [
      'the task was not started after stage-in',
      [
        { name: 'stage-in', exitCode: 1 },
        { name: 'task', exitCode: 143, reason: 'CannotStartContainerError: dependency graph: x' },
        { name: 'stage-out' },
      ],
      false,
    ],
  ])('may be running stage-out only after a task with an exit code: %s', (_, containers, may) => {
    expect([isStalled(aLiveJob(containers)), mayBeStagingOut(aLiveJob(containers))]).toEqual([true, may])
  })

  it('is explained by the containers of its current attempt, not of the previous one', () => {
    const attempts = [
      { taskProperties: [{ containers: [{ name: 'task', reason: 'CannotPullContainerError: x' }] }] },
    ]
    const job = aLiveJob([stageIn, { name: 'task', exitCode: 3 }, { name: 'stage-out' }], { attempts })

    expect(explainJobFailure(job)).toMatchObject({ kind: 'task-failed', exitCode: 3 })
  })
})

describe('the reason why a job waits', () => {
  // The fields of the example of a "Batch Job Queue Blocked" event in the user guide.
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

  it('is Batch’s reason for a RUNNABLE job, with the time of its submission', () => {
    expect(waitingOf(blocked)).toEqual({
      reason: 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested',
      since: '2022-01-11T23:36:40.058Z',
    })
  })

  it('is absent when Batch has none, and for jobs that are not RUNNABLE', () => {
    expect(waitingOf({ ...blocked, statusReason: undefined })).toBeUndefined()
    expect(waitingOf({ ...blocked, status: 'FAILED' })).toBeUndefined()
  })
})

describe('the log stream of a job', () => {
  it('is that of the task container, whether the job is running or has ended', () => {
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

describe('a job that SUCCEEDED', () => {
  const succeeded = (task: object, present: object = {}): JobDetail => ({
    ...aFailedJob([
      { name: 'stage-in', exitCode: 0 },
      { name: 'task', ...task },
      { name: 'stage-out', exitCode: 0 },
    ]),
    status: 'SUCCEEDED',
    ecsProperties: { taskProperties: [{ containers: [{ name: 'task', ...present }] }] },
  })

  it.each<[string, JobDetail, number | undefined, boolean]>([
    ['with 0', succeeded({ exitCode: 0 }), 0, false],
    ['with 3', succeeded({ exitCode: 3 }), 3, true],
    ['with 3, which only its properties contain', succeeded({}, { exitCode: 3 }), 3, true],
    [
      'because of its memory use',
      succeeded({ exitCode: 137, reason: 'OutOfMemoryError: Container killed due to memory usage' }),
      137,
      true,
    ],
    ['without having started', succeeded({ reason: 'CannotStartContainerError: x' }), undefined, true],
    ['in a way that Batch does not report', succeeded({}), undefined, false],
  ])('is a failure unless its task ended with 0: %s', (_, job, exitCode, failed) => {
    expect([taskExitCode(job), isFailure(job)]).toEqual([exitCode, failed])
  })
})

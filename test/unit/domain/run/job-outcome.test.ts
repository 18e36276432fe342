import { describe, expect, it } from 'vitest'
import { explainJobFailure, type JobDetail, taskLogStream } from '../../../../src/domain/run/job-outcome.ts'

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

  it('is the host when it went away', () => {
    expect(explainJobFailure(aFailedJob([], 'Host EC2 (instance i-0) terminated.')).kind).toBe('host-lost')
  })

  it('repeats what Batch says of anything else', () => {
    expect(explainJobFailure(aFailedJob([], 'MISCONFIGURATION: no such subnet'))).toEqual({
      kind: 'engine-error',
      message: 'MISCONFIGURATION: no such subnet',
    })
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

import { describe, expect, it } from 'vitest'
import { TASK_FAILED_EXIT_CODE } from '../../../../src/contract/staging.ts'
import { explainJobFailure } from '../../../../src/run/job/job-failure.ts'
import type { JobDetail } from '../../../../src/run/job/job-outcome.ts'
import { aFailedJob, type Container } from '../../../fixtures/failed-job.ts'

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

  it('is the memory, not exit code 137, when the container was killed for its memory use', () => {
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
      'of Fargate, not the exit code of its containers',
      [{ name: 'task', exitCode: 143 }],
      'Your Spot Task was interrupted.',
    ],
  ])('is the lost host: one %s', (_, containers, statusReason) => {
    expect(explainJobFailure(aFailedJob(containers, statusReason)).kind).toBe('host-lost')
  })

  it.each([
    'Canceled by JobStateTimeLimit action due to reason: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY',
    'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement is higher than can be met',
  ])('is the lack of a machine when Batch no longer looks for one: %s', (statusReason) => {
    expect(explainJobFailure({ ...aFailedJob([], statusReason), isCancelled: true })).toEqual({
      kind: 'unschedulable',
      message: `no machine is available for the task: ${statusReason}`,
    })
  })

  it('is the termination, not the exit code that it caused', () => {
    const job = { ...aFailedJob([{ name: 'task', exitCode: 137 }], 'terminated by ops'), isTerminated: true }

    expect(explainJobFailure(job)).toEqual({
      kind: 'cancelled',
      message: 'the job was terminated by another client of AWS Batch: terminated by ops',
    })
  })

  it('belongs to the last attempt, not to one that was retried', () => {
    const job = aFailedJob([{ name: 'task', exitCode: 3 }])
    const lost = { statusReason: 'Host EC2 (instance i-0) terminated.', taskProperties: [] }

    expect(explainJobFailure({ ...job, attempts: [lost, ...job.attempts] }).kind).toBe('task-failed')
  })

  it('is Batch’s own reason with those of the containers in all other cases', () => {
    const containers = [{ name: 'task', reason: 'CannotStartContainerError: \u001b[31mcgroup\n is gone' }]

    expect(explainJobFailure(aFailedJob(containers, 'Task failed to start'))).toEqual({
      kind: 'engine-error',
      message: 'Task failed to start; CannotStartContainerError: \\u{1b}[31mcgroup is gone',
    })
  })

  it('is the full disk, not the image, when the machine has no disk space', () => {
    const reason =
      'CannotPullContainerError: failed to register layer: write /usr/lib/libx.so: no space left on device'

    const failure = explainJobFailure(aFailedJob([{ name: 'task', reason }], 'Task failed to start'))

    expect(failure.kind).toBe('unschedulable')
    expect(failure.message).toMatch(/^the disk of .*queues\.ec2\.diskGib/u)
  })

  it('contains the memory that the task had', () => {
    const reason = 'OutOfMemoryError: Container killed due to memory usage'
    const resourceRequirements = [
      { type: 'VCPU', value: '1' },
      { type: 'MEMORY', value: '2048' },
    ]
    const job = {
      ...aFailedJob([{ name: 'task', exitCode: 137, reason }]),
      ecsProperties: { taskProperties: [{ containers: [{ name: 'task', resourceRequirements }] }] },
    }

    expect(explainJobFailure(job).message).toContain('more than its 2048 MiB of memory')
  })
})

/** A container that the ECS agent did not start because its dependency failed. The message has its form (aws/amazon-ecs-agent#3218). */
function neverStarted(name: string, cause: string, causeEnd: string): Container {
  const reason = `CannotStartContainerError:  dependency graph: failed to resolve container ordering dependency [${cause}(repo/image@sha256:0) (${causeEnd}] for target [${name}(repo/image@sha256:0) (NONE->RUNNING)] as dependency did not exit successfully.`
  return { name, exitCode: 143, reason: reason.slice(0, 255) }
}

describe('the reason of a job whose last container was never started', () => {
  const stopped = 'STOPPED->RUNNING) - Exit: 3'

  it.each(['Task failed to start', 'Essential container in task exited'])(
    "is the task's own exit code, not the agent's 143: %s",
    (statusReason) => {
      const containers = [
        { name: 'stage-in', exitCode: 0 },
        { name: 'task', exitCode: 3 },
        neverStarted('stage-out', 'task', stopped),
      ]

      expect(explainJobFailure(aFailedJob(containers, statusReason))).toEqual({
        kind: 'task-failed',
        message: 'the task ended with exit code 3',
        exitCode: 3,
      })
    },
  )

  it('is the image that could not be pulled', () => {
    const containers = [
      { name: 'stage-in', exitCode: 0 },
      {
        name: 'task',
        reason: 'CannotPullContainerError: pull image manifest has been retried 5 time(s): gone',
      },
      neverStarted('stage-out', 'task', 'STOPPED->RUNNING)'),
    ]

    const { kind, message } = explainJobFailure(aFailedJob(containers, 'Task failed to start'))

    expect(kind).toBe('image-unavailable')
    expect(message).not.toMatch(/143|dependency/u)
  })

  it('is the memory of the task', () => {
    const reason = 'OutOfMemoryError: Container killed due to memory usage'
    const containers = [
      { name: 'stage-in', exitCode: 0 },
      { name: 'task', exitCode: 137, reason },
      neverStarted('stage-out', 'task', stopped),
    ]

    expect(explainJobFailure(aFailedJob(containers))).toMatchObject({ kind: 'out-of-memory', exitCode: 137 })
  })

  it('is stage-in when it failed', () => {
    const containers = [
      { name: 'stage-in', exitCode: 1 },
      neverStarted('task', 'stage-in', stopped),
      neverStarted('stage-out', 'task', 'STOPPED->RUNNING) - Exit: 143'),
    ]

    const failure = explainJobFailure(aFailedJob(containers, 'Task failed to start'))

    expect(failure.kind).toBe('input-staging-failed')
    expect(failure).not.toHaveProperty('exitCode')
  })

  it.each([
    "CgroupError: Agent could not create task's platform resources",
    'DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s',
    'CannotStartContainerError: Error response from daemon: no space left on device',
  ])('is the machine when it could not start the task: %s', (reason) => {
    const containers = [
      { name: 'stage-in', exitCode: 0 },
      { name: 'task', exitCode: 128, reason },
      neverStarted('stage-out', 'task', 'STOPPED->RUNNING) - Exit: 128'),
    ]

    const { kind, message } = explainJobFailure(aFailedJob(containers, 'Task failed to start'))

    expect([kind, message]).toEqual(['engine-error', `Task failed to start; ${reason}`])
  })

  it('is the command when it cannot be started', () => {
    const reason = `CannotStartContainerError: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/rum.sh": stat /rum.sh: no such file or directory`
    const containers = [
      { name: 'stage-in', exitCode: 0 },
      { name: 'task', exitCode: 127, reason: reason.slice(0, 255) },
      neverStarted('stage-out', 'task', 'STOPPED->RUNNING) - Exit: 127'),
    ]

    const failure = explainJobFailure(aFailedJob(containers, 'Task failed to start'))

    expect(failure.kind).toBe('task-failed')
    expect(failure.message).toContain('its command "/rum.sh" is not in the image')
  })
})

describe('the reason of a job whose stage-out reported that the task had failed', () => {
  const stageOut = { name: 'stage-out', exitCode: TASK_FAILED_EXIT_CODE }
  const ended = (task: object, changes: Partial<JobDetail> = {}): JobDetail => ({
    ...aFailedJob([{ name: 'stage-in', exitCode: 0 }, { name: 'task', ...task }, stageOut]),
    ...changes,
  })

  it("is the task's exit code, not that of stage-out", () => {
    expect(explainJobFailure(ended({ exitCode: 3 }))).toEqual({
      kind: 'task-failed',
      message: 'the task ended with exit code 3',
      exitCode: 3,
    })
  })

  it("is the task's memory", () => {
    const reason = 'OutOfMemoryError: Container killed due to memory usage'

    expect(explainJobFailure(ended({ exitCode: 137, reason }))).toMatchObject({ kind: 'out-of-memory' })
  })

  it("is the task's command when it could not be started", () => {
    const reason = 'CannotStartContainerError: exec: "/rum.sh": stat /rum.sh: no such file or directory'

    const { kind, message } = explainJobFailure(ended({ exitCode: 127, reason }))

    expect([kind, message]).toEqual([
      'task-failed',
      expect.stringContaining('its command "/rum.sh" is not in the image'),
    ])
  })

  it('is the task when Batch does not report its exit code', () => {
    expect(explainJobFailure(ended({}))).toEqual({
      kind: 'task-failed',
      message: 'the task ended with an exit code that AWS Batch did not report',
    })
  })

  it.each([0, TASK_FAILED_EXIT_CODE])(
    'is the task when the job was terminated after stage-out had ended with %i',
    (exitCode) => {
      const containers = [
        { name: 'task', exitCode: 3 },
        { name: 'stage-out', exitCode },
      ]
      const job = { ...aFailedJob(containers, 'terminated by ops'), isTerminated: true }

      expect(explainJobFailure(job).kind).toBe('task-failed')
    },
  )

  it('is the termination when it ended stage-out', () => {
    const containers = [
      { name: 'task', exitCode: 137 },
      { name: 'stage-out', exitCode: 137 },
    ]
    const job = { ...aFailedJob(containers, 'terminated by ops'), isTerminated: true }

    expect(explainJobFailure(job).kind).toBe('cancelled')
  })
})

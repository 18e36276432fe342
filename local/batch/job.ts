import type { Container, RetryStrategy } from './requests.ts'

/** States of a job at Batch, in order; a retried job returns to RUNNABLE. */
export type JobStatus = 'SUBMITTED' | 'PENDING' | 'RUNNABLE' | 'STARTING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED'

/** Result of one container of an attempt; without exit code it never ran. */
export interface ContainerEnd {
  readonly name: string
  readonly exitCode?: number
  readonly reason?: string
  readonly logStreamName?: string
}

/** One attempt, in the form of Batch's AttemptDetail. */
export interface Attempt {
  readonly startedAt?: number
  readonly stoppedAt: number
  readonly statusReason: string
  readonly taskProperties: readonly [
    { readonly taskArn: string; readonly containers: readonly ContainerEnd[] },
  ]
}

/** An undelivered state change: the event in EventBridge's envelope. */
export interface JobEvent {
  readonly version: '0'
  readonly id: string
  readonly 'detail-type': 'Batch Job State Change'
  readonly source: 'aws.batch'
  readonly account: string
  readonly time: string
  readonly region: string
  readonly resources: readonly string[]
  readonly detail: object
}

/** A job as stored on disk, with its undelivered events. */
export interface Job {
  readonly jobId: string
  readonly jobArn: string
  readonly jobName: string
  readonly jobQueue: string
  /** Fair share of the job. Absent in jobs of earlier versions. */
  readonly shareIdentifier?: string
  readonly jobDefinition: string
  readonly status: JobStatus
  readonly statusReason?: string
  /** Milliseconds since 1970, here and below. */
  readonly createdAt: number
  readonly startedAt?: number
  readonly stoppedAt?: number
  readonly attempts: readonly Attempt[]
  readonly retryStrategy: RetryStrategy
  readonly timeout?: { readonly attemptDurationSeconds: number }
  readonly tags: Readonly<Record<string, string>>
  readonly propagateTags: boolean
  /** Log streams of the latest attempt, by container name. */
  readonly logStreamNames?: Readonly<Record<string, string>>
  /** Containers, with the overrides of the submission. */
  readonly containers: readonly Container[]
  readonly volumes: readonly string[]
  /** Reason given to TerminateJob or CancelJob. */
  readonly endReason?: string
  readonly outbox: readonly JobEvent[]
}

export function hasEnded(job: Job): boolean {
  return job.status === 'SUCCEEDED' || job.status === 'FAILED'
}

/** The job as in DescribeJobs and in events of AWS. */
export function describe(job: Job): object {
  const { containers, volumes, outbox: _, endReason, logStreamNames = {}, ...rest } = job
  // A retried job shows its new containers.
  const [last] = hasEnded(job) ? (job.attempts.at(-1)?.taskProperties ?? []) : []
  return {
    ...rest,
    dependsOn: [],
    parameters: {},
    platformCapabilities: ['FARGATE'],
    isTerminated: endReason !== undefined,
    ecsProperties: {
      taskProperties: [
        {
          ...(last && { taskArn: last.taskArn }),
          containers: containers.map((container) => ({
            ...container,
            ...(logStreamNames[container.name] && { logStreamName: logStreamNames[container.name] }),
            ...last?.containers.find(({ name }) => name === container.name),
          })),
          volumes: volumes.map((name) => ({ name })),
        },
      ],
    },
  }
}

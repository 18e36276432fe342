import type { JobDefinition, JobOverrides } from './job-definition.ts'
import type { JobDetail } from './job-outcome.ts'

/** AWS Batch, the part of it that is used. */
export interface JobScheduler {
  /** @returns the ARN of the new revision. */
  registerDefinition(definition: JobDefinition): Promise<string>
  /** Nothing happens when it is gone. */
  deregisterDefinition(arn: string): Promise<void>
  /** All revisions of this name that are there; a revision registered a moment ago may be missed. */
  deregisterDefinitions(jobDefinitionName: string): Promise<void>
  /**
   * @throws JobThrottledError when Batch asks to slow down, JobRefusedError when it will never take this job; after any other
   * error the job may have been submitted or not.
   */
  submit(job: {
    readonly jobName: string
    readonly jobQueueArn: string
    readonly jobDefinitionArn: string
    readonly overrides: JobOverrides
    readonly tags: Readonly<Record<string, string>>
  }): Promise<{ readonly jobId: string }>
  /** Ends the job in whatever state it is; nothing happens when it has ended. */
  terminate(jobId: string, reason: string): Promise<void>
  /** Those of the jobs that Batch still knows, in no order. */
  describe(jobIds: readonly string[]): Promise<JobDetail[]>
  /**
   * The newest job of this name, in whatever state it is.
   * @throws JobThrottledError
   */
  findByName(jobName: string): Promise<JobDetail | undefined>
  /** Jobs that have not ended; one that changes its state meanwhile may come twice or not at all. */
  listLive(): AsyncIterable<LiveJob>
}

/** A job that takes or waits for a machine. */
export interface LiveJob {
  readonly jobId: string
  readonly jobName: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** Batch refused for its rate limits (50 calls a second an account): try again later. */
export class JobThrottledError extends Error {
  override readonly name = 'JobThrottledError'
}

/** Batch refused the job itself: trying again would change nothing. */
export class JobRefusedError extends Error {
  override readonly name = 'JobRefusedError'
}

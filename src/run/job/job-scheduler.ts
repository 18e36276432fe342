import type { JobDefinition, JobOverrides } from './job-definition.ts'
import type { JobDetail } from './job-outcome.ts'

/** The part of AWS Batch that the engine uses. */
export interface JobScheduler {
  /** @returns ARN of the new revision */
  registerDefinition(definition: JobDefinition): Promise<string>
  /** Does nothing when the definition does not exist. */
  deregisterDefinition(arn: string): Promise<void>
  /** Deregisters all revisions of this name. Eventually consistent: may miss a revision that was just registered. */
  deregisterDefinitions(jobDefinitionName: string): Promise<void>
  /**
   * Submits a job. After an error that is not declared here the job may exist.
   * @throws JobThrottledError
   * @throws JobRefusedError
   */
  submit(job: {
    readonly jobName: string
    readonly jobQueueArn: string
    readonly jobDefinitionArn: string
    /** Fair-share identifier of the job: letters and digits. */
    readonly share: string
    readonly overrides: JobOverrides
    readonly tags: Readonly<Record<string, string>>
  }): Promise<{ readonly jobId: string }>
  /** Ends a job in any state. Does nothing when it has ended. */
  terminate(jobId: string, reason: string): Promise<void>
  /** Describes jobs, unordered; jobs that Batch no longer knows are missing. */
  describe(jobIds: readonly string[]): Promise<JobDetail[]>
  /**
   * Newest job of this name, in any state.
   * @throws JobThrottledError
   */
  findByName(jobName: string): Promise<JobDetail | undefined>
  /** Jobs that have not ended. Eventually consistent: a job that changes its status meanwhile may appear twice or not at all. */
  listLive(): AsyncIterable<LiveJob>
}

/** A job that has not ended. */
export interface LiveJob {
  readonly jobId: string
  readonly jobName: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** Batch refused the call because of its rate limit: 50 submissions a second for each account. */
export class JobThrottledError extends Error {
  override readonly name = 'JobThrottledError'
}

/** Batch refused the job itself, so a retry would fail too. */
export class JobRefusedError extends Error {
  override readonly name = 'JobRefusedError'
}

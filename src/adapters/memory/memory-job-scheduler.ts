import type { JobDefinition } from '../../domain/job/job-definition.ts'
import { type JobScheduler, JobThrottledError } from '../../ports.ts'

type Submission = Parameters<JobScheduler['submit']>[0]

/** What tests may ask and arrange besides the port. */
export interface MemoryJobScheduler extends JobScheduler {
  /** Registered and not deregistered, by ARN. */
  readonly definitions: ReadonlyMap<string, JobDefinition>
  /** By job id, in order of submission. */
  readonly submissions: ReadonlyMap<string, Submission>
  /** Reasons by job id. */
  readonly terminations: ReadonlyMap<string, string>
  /** The next `count` submissions are refused. */
  throttle(count: number): void
}

/** A job scheduler that only keeps books, for tests. */
export function createMemoryJobScheduler(): MemoryJobScheduler {
  const definitions = new Map<string, JobDefinition>()
  const revisions = new Map<string, number>()
  const submissions = new Map<string, Submission>()
  const terminations = new Map<string, string>()
  let refusals = 0

  return {
    definitions,
    submissions,
    terminations,

    throttle(count) {
      refusals = count
    },

    async registerDefinition(definition) {
      const name = definition.jobDefinitionName
      const revision = (revisions.get(name) ?? 0) + 1
      revisions.set(name, revision)
      const arn = `arn:aws:batch:eu-west-1:000000000000:job-definition/${name}:${revision}`
      definitions.set(arn, structuredClone(definition))
      return arn
    },

    async deregisterDefinition(arn) {
      definitions.delete(arn)
    },

    async submit(job) {
      if (refusals > 0) {
        refusals -= 1
        throw new JobThrottledError('too many requests')
      }
      if (!definitions.has(job.jobDefinitionArn)) throw new Error('the job definition does not exist')
      const jobId = `job-${submissions.size + 1}`
      submissions.set(jobId, structuredClone(job))
      return { jobId }
    },

    async terminate(jobId, reason) {
      if (submissions.has(jobId) && !terminations.has(jobId)) terminations.set(jobId, reason)
    },
  }
}

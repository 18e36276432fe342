import type { JobDefinition } from '../../src/run/job/job-definition.ts'
import { hasEnded, type JobDetail } from '../../src/run/job/job-outcome.ts'
import { JobRefusedError, type JobScheduler, JobThrottledError } from '../../src/run/job/job-scheduler.ts'

type Submission = Parameters<JobScheduler['submit']>[0]

/** Job scheduler with functions for tests. */
export interface MemoryJobScheduler extends JobScheduler {
  /** Active job definitions by ARN. */
  readonly definitions: ReadonlyMap<string, JobDefinition>
  /** Submissions by job id, in their order. */
  readonly submissions: ReadonlyMap<string, Submission>
  /** Reasons of terminations by job id. */
  readonly terminations: ReadonlyMap<string, string>
  /** Descriptions of jobs, in the form of Batch, by job id. */
  readonly jobs: ReadonlyMap<string, JobDetail>
  /** Refuses the next `count` submissions. */
  throttle(count: number): void
  /** Changes a job, unless it has ended. */
  change(jobId: string, changes: Partial<JobDetail>): void
  /** Removes a job, as Batch does some time after its end. */
  forget(jobId: string): void
}

/** In-memory job scheduler for tests. It only records jobs; `now` returns the times for them. */
export function createMemoryJobScheduler(now: () => number = () => 0): MemoryJobScheduler {
  const definitions = new Map<string, JobDefinition>()
  const revisions = new Map<string, number>()
  const submissions = new Map<string, Submission>()
  const terminations = new Map<string, string>()
  const jobs = new Map<string, JobDetail>()
  let refusals = 0

  function change(jobId: string, changes: Partial<JobDetail>): void {
    const job = jobs.get(jobId)
    if (job !== undefined && !hasEnded(job)) jobs.set(jobId, { ...job, ...structuredClone(changes) })
  }

  return {
    definitions,
    submissions,
    terminations,
    jobs,
    change,

    throttle(count) {
      refusals = count
    },

    forget(jobId) {
      jobs.delete(jobId)
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

    async deregisterDefinitions(name) {
      for (const [arn, { jobDefinitionName }] of [...definitions]) {
        if (jobDefinitionName === name) definitions.delete(arn)
      }
    },

    async submit(job) {
      if (refusals > 0) {
        refusals -= 1
        throw new JobThrottledError('too many requests')
      }
      if (!definitions.has(job.jobDefinitionArn))
        throw new JobRefusedError('the job definition does not exist')
      const jobId = `job-${submissions.size + 1}`
      submissions.set(jobId, structuredClone(job))
      jobs.set(jobId, { jobId, jobName: job.jobName, status: 'SUBMITTED', createdAt: now(), attempts: [] })
      return { jobId }
    },

    async terminate(jobId, reason) {
      if (!submissions.has(jobId)) return
      if (!terminations.has(jobId)) terminations.set(jobId, reason)
      change(jobId, { status: 'FAILED', statusReason: reason, isTerminated: true })
    },

    async describe(jobIds) {
      return structuredClone(jobIds.flatMap((jobId) => jobs.get(jobId) ?? []))
    },

    async findByName(jobName) {
      return structuredClone([...jobs.values()].findLast((job) => job.jobName === jobName))
    },

    async *listLive() {
      for (const { jobId, jobName, createdAt = 0, status } of [...jobs.values()]) {
        if (!hasEnded({ status })) yield { jobId, jobName, createdAt }
      }
    },
  }
}

import type { ObjectStore } from '../../../src/aws/object-store.ts'
import { STAGED_LISTING_NAME } from '../../../src/contract/staging.ts'
import { runOutputsPrefix } from '../../../src/contract/storage-keys.ts'
import { parseJobName } from '../../../src/run/job/job-definition.ts'
import { hasEnded, type JobDetail, type JobStatus } from '../../../src/run/job/job-outcome.ts'
import type { MemoryJobScheduler } from '../../fakes/memory-job-scheduler.ts'
import type { Chance } from './chance.ts'

/** Outputs of a task whose job has succeeded. */
type Outcome = 'valid' | 'invalid' | 'missing'

const NEXT: Readonly<Record<string, JobStatus>> = {
  SUBMITTED: 'PENDING',
  PENDING: 'RUNNABLE',
  RUNNABLE: 'STARTING',
  STARTING: 'RUNNING',
}

export interface SimulatedBatch {
  readonly outcomes: ReadonlyMap<string, Outcome>
  live(): readonly JobDetail[]
  /** Moves a job to its next status. */
  advance(job: JobDetail): void
  /** Events of all changes since the last call. */
  takeEvents(): readonly JobDetail[]
}

/** Executes the jobs of a scheduler, whose tasks write outputs to the bucket. */
export function createSimulatedBatch(
  scheduler: MemoryJobScheduler,
  objects: ObjectStore,
  chance: Chance,
): SimulatedBatch {
  const outcomes = new Map<string, Outcome>()
  const told = new Map<string, string>()

  function succeed(job: JobDetail): void {
    const attempts = [...job.attempts, { taskProperties: [] }]
    const name = parseJobName(job.jobName)
    if (name === undefined) throw new Error(`no run has job ${job.jobName}`)
    const outcome = chance.pick<Outcome>(['valid', 'valid', 'valid', 'invalid', 'missing'])
    const prefix = runOutputsPrefix(name.runId, name.attempt, attempts.length)
    const text = outcome === 'valid' ? '42' : 'forty-two'
    const entries = outcome === 'missing' ? [] : [{ name: 'sum', kind: 'file', sizeBytes: text.length }]
    if (outcome !== 'missing') void objects.put(`${prefix}sum`, text)
    void objects.put(`${prefix}${STAGED_LISTING_NAME}`, JSON.stringify({ entries }))
    outcomes.set(job.jobId, outcome)
    scheduler.change(job.jobId, { status: 'SUCCEEDED', attempts })
  }

  function fail(job: JobDetail): void {
    const containers = [{ name: 'task', exitCode: 3 }]
    const attempts = [...job.attempts, { taskProperties: [{ containers }] }]
    scheduler.change(job.jobId, { status: 'FAILED', attempts })
  }

  return {
    outcomes,
    live: () => [...scheduler.jobs.values()].filter((job) => !hasEnded(job)),
    advance(job) {
      const next = NEXT[job.status]
      if (next !== undefined) return scheduler.change(job.jobId, { status: next })
      if (chance.is(0.7)) return succeed(job)
      if (chance.is(0.5)) return fail(job)
      // The host was lost: Batch retries.
      const attempts = [...job.attempts, { statusReason: 'Host EC2 terminated', taskProperties: [] }]
      scheduler.change(job.jobId, { status: 'RUNNABLE', attempts })
    },
    takeEvents() {
      const changed = [...scheduler.jobs.values()].filter(
        (job) => job.status !== 'SUBMITTED' && told.get(job.jobId) !== keyOf(job),
      )
      for (const job of changed) told.set(job.jobId, keyOf(job))
      return structuredClone(changed)
    },
  }
}

function keyOf(job: JobDetail): string {
  return `${job.attempts.length} ${job.status}`
}

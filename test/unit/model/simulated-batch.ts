import type { ObjectStore } from '../../../src/aws/object-store.ts'
import { STAGED_LISTING_NAME, TASK_FAILED_EXIT_CODE } from '../../../src/contract/staging.ts'
import { runOutputsPrefix } from '../../../src/contract/storage-keys.ts'
import { parseJobName } from '../../../src/run/job/job-definition.ts'
import { hasEnded, type JobDetail, type JobStatus } from '../../../src/run/job/job-outcome.ts'
import type { MemoryJobScheduler } from '../../fakes/memory-job-scheduler.ts'
import type { Chance } from './chance.ts'

/** Outputs of a task whose job SUCCEEDED; `failed`: stage-out did not learn that the task had failed. */
type Outcome = 'valid' | 'invalid' | 'missing' | 'failed'

/** Source of a task's exit code: Batch, the ECS agent (for stage-out), or both. */
type Reporter = 'batch' | 'agent' | 'both'

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
    const name = parseJobName(job.jobName)
    if (name === undefined) throw new Error(`no run has job ${job.jobName}`)
    const outcome = chance.pick<Outcome>(['valid', 'valid', 'valid', 'invalid', 'missing', 'failed'])
    const reporter = outcome === 'failed' ? 'batch' : chance.pick<Reporter>(['batch', 'agent', 'both'])
    const exit = reporter === 'agent' ? {} : { exitCode: outcome === 'failed' ? 3 : 0 }
    const attempts = [...job.attempts, { taskProperties: [{ containers: [{ name: 'task', ...exit }] }] }]
    const prefix = runOutputsPrefix(name.runId, name.attempt, attempts.length)
    const text = outcome === 'valid' || outcome === 'failed' ? '42' : 'forty-two'
    const entries = outcome === 'missing' ? [] : [{ name: 'sum', kind: 'file', sizeBytes: text.length }]
    if (outcome !== 'missing') void objects.put(`${prefix}sum`, text)
    const listing = { entries, ...(reporter === 'batch' ? {} : { taskExitCode: 0 }) }
    void objects.put(`${prefix}${STAGED_LISTING_NAME}`, JSON.stringify(listing))
    outcomes.set(job.jobId, outcome)
    scheduler.change(job.jobId, { status: 'SUCCEEDED', attempts })
  }

  /** The task has failed, and stage-out uploads what it wrote. */
  function keep(job: JobDetail): void {
    const containers = [{ name: 'task', exitCode: 3 }, { name: 'stage-out' }]
    scheduler.change(job.jobId, { ecsProperties: { taskProperties: [{ containers }] } })
  }

  function fail(job: JobDetail): void {
    const containers = [
      { name: 'task', exitCode: 3 },
      { name: 'stage-out', exitCode: TASK_FAILED_EXIT_CODE },
    ]
    const attempts = [...job.attempts, { taskProperties: [{ containers }] }]
    scheduler.change(job.jobId, { status: 'FAILED', attempts })
  }

  return {
    outcomes,
    live: () => [...scheduler.jobs.values()].filter((job) => !hasEnded(job)),
    advance(job) {
      const next = NEXT[job.status]
      if (next !== undefined) return scheduler.change(job.jobId, { status: next })
      if (job.ecsProperties !== undefined) return fail(job)
      if (chance.is(0.7)) return succeed(job)
      if (chance.is(0.5)) return chance.is(0.5) ? keep(job) : fail(job)
      // Batch retries because the host was lost.
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

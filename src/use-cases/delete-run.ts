import type { Run } from '../domain/run/run.ts'
import { isActive } from '../domain/run/transitions.ts'
import { runInputsPrefix, runOutputsRoot } from '../domain/storage-keys.ts'
import {
  type JobScheduler,
  type ObjectStore,
  type RunRepository,
  RunStateConflictError,
  type RunWorkflow,
} from '../ports.ts'
import { isUuid } from './find-run.ts'

interface Dependencies {
  readonly objects: ObjectStore
  readonly runs: RunRepository
  readonly scheduler: JobScheduler
  readonly workflow: RunWorkflow
}

/**
 * Removes a run: what is live is cancelled, then files and values go, the record last, so that an unfinished deletion can be
 * repeated. An unknown run is deleted already: core removes its own row first and cannot ask twice.
 */
export async function deleteRun(deps: Dependencies, runId: string): Promise<void> {
  const run = isUuid(runId) ? await deps.runs.find(runId) : undefined
  if (run === undefined) return
  if (isActive(run.state)) await cancel(deps, run)
  await deps.objects.removeAll(runInputsPrefix(run.id))
  await deps.objects.removeAll(runOutputsRoot(run.id))
  await deps.runs.remove(run)
}

const REASON = 'the run was deleted'

/** FAILED first: no event that comes later can revive the run, and submit-job refuses it. */
async function cancel(deps: Dependencies, run: Run): Promise<void> {
  let job = run.job
  try {
    const cancelled = await deps.runs.transition(run.id, {
      to: 'FAILED',
      set: { failure: { kind: 'cancelled', message: REASON } },
    })
    job = cancelled.job
  } catch (error) {
    if (!(error instanceof RunStateConflictError)) throw error
  }
  await deps.workflow.stop(run.id, REASON)
  if (job?.jobId !== undefined) await deps.scheduler.terminate(job.jobId, REASON)
}

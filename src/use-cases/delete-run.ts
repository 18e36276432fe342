import { isActive } from '../domain/run/transitions.ts'
import { runInputsPrefix, runOutputsRoot } from '../domain/storage-keys.ts'
import type { JobScheduler, LogStore, ObjectStore, RunRepository, RunWorkflow } from '../ports.ts'
import { isUuid } from './find-run.ts'
import { stopRun } from './stop-run.ts'

const REASON = 'the run was deleted'

/** What the deletion of a run works with. */
export interface DeleteRunDependencies {
  readonly logs: Pick<LogStore, 'remove'>
  readonly objects: ObjectStore
  readonly runs: RunRepository
  readonly scheduler: JobScheduler
  readonly workflow: RunWorkflow
}

/**
 * Removes a run: first nobody sees or changes it any more, then what is live is cancelled, files, values and log go, the record last,
 * so that an unfinished deletion can be repeated at any point. An unknown run is deleted already: core removes its own row first
 * and cannot ask twice.
 */
export async function deleteRun(deps: DeleteRunDependencies, runId: string): Promise<void> {
  // From here on every conditional write to the run is refused: no call stores a value that counts, no event revives it.
  const run = isUuid(runId) ? await deps.runs.beginRemoval(runId) : undefined
  if (run === undefined) return
  if (isActive(run.state)) await stopRun(deps, run, REASON)
  await deps.objects.removeAll(runInputsPrefix(run.id))
  await deps.objects.removeAll(runOutputsRoot(run.id))
  const logStreamName = run.job?.logStreamName
  if (logStreamName !== undefined) await deps.logs.remove(logStreamName)
  await deps.runs.remove(run)
}

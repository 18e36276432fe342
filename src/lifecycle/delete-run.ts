import type { ObjectStore } from '../aws/object-store.ts'
import { runInputsPrefix, runOutputsRoot } from '../contract/storage-keys.ts'
import { isUuid } from '../run/find-run.ts'
import { type JobDetail, streamsBeside, taskLogStreams } from '../run/job/job-outcome.ts'
import type { JobScheduler } from '../run/job/job-scheduler.ts'
import type { LogStore } from '../run/log-store.ts'
import type { Run, RunJob } from '../run/run.ts'
import type { RunRepository } from '../run/run-repository.ts'
import { isActive } from '../run/transitions.ts'
import { failuresOf, throwFailures } from '../shared/failures-of.ts'
import { type StopRunDependencies, stopRun } from './stop-run.ts'

const REASON = 'the run was deleted'

/** What the deletion of a run works with. */
export interface DeleteRunDependencies extends StopRunDependencies {
  readonly logs: Pick<LogStore, 'remove'>
  readonly objects: ObjectStore
  readonly runs: RunRepository
  readonly scheduler: JobScheduler
}

/**
 * Deletes a run: first nobody sees or changes it any more, then what is live is cancelled, files and log go. The record stays behind
 * the scenes until {@link completeDeletion}, so that a deletion that breaks off is completed, and so is one that something comes
 * after: a stager's upload or a client's input that was under way. An unknown run is deleted already: core removes its own row
 * first and cannot ask twice.
 * @throws what kept files or log from being removed; a part that cannot be removed keeps none of the others
 */
export async function deleteRun(deps: DeleteRunDependencies, runId: string): Promise<void> {
  await clear(deps, runId)
}

/** Deletes the run once more, and its values and its record, when nothing that was under way can come any more. */
export async function completeDeletion(deps: DeleteRunDependencies, runId: string): Promise<void> {
  const run = await clear(deps, runId)
  if (run === undefined) return
  const job = run.job === undefined ? undefined : await findJob(deps.scheduler, run.job)
  // A container may have begun before its job was ended, and nobody could record that any more.
  if (job !== undefined) await removeLogs(deps, taskLogStreams(job))
  await deps.runs.remove(run)
}

async function findJob(scheduler: JobScheduler, { jobId, jobName }: RunJob): Promise<JobDetail | undefined> {
  if (jobId === undefined) return await scheduler.findByName(jobName)
  const [job] = await scheduler.describe([jobId])
  return job
}

/** @returns the run as it was; undefined when there is none. */
async function clear(deps: DeleteRunDependencies, runId: string): Promise<Run | undefined> {
  // From here on every conditional write to the run is refused: no call stores a value that counts, no event revives it.
  const run = isUuid(runId) ? await deps.runs.beginRemoval(runId) : undefined
  if (run === undefined) return undefined
  if (isActive(run.state)) await stopRun(deps, run, REASON)
  const { logStreamName, otherLogStreams = [] } = run.job ?? {}
  const streams = logStreamName === undefined ? otherLogStreams : [...otherLogStreams, logStreamName]
  const failures = await failuresOf([
    () => deps.objects.removeAll(runInputsPrefix(run.id)),
    () => deps.objects.removeAll(runOutputsRoot(run.id)),
    () => removeLogs(deps, streams),
  ])
  throwFailures(failures, `the deletion of run ${run.id} is unfinished`)
  return run
}

/** Streams of the task's container, and those of its stagers. */
async function removeLogs({ logs }: DeleteRunDependencies, taskStreams: readonly string[]): Promise<void> {
  for (const stream of taskStreams.flatMap(streamsBeside)) await logs.remove(stream)
}

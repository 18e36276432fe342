import type { ObjectStore } from '../aws/object-store.ts'
import { placeInSet } from '../contract/set-run-id.ts'
import { runInputsPrefix, runOutputsRoot } from '../contract/storage-keys.ts'
import { isUuid } from '../contract/uuid.ts'
import { type JobDetail, streamsBeside, taskLogStreams } from '../run/job/job-outcome.ts'
import type { JobScheduler } from '../run/job/job-scheduler.ts'
import type { LogStore } from '../run/log-store.ts'
import type { Run, RunJob } from '../run/run.ts'
import { type RunRepository, RunStateConflictError } from '../run/run-repository.ts'
import { isActive } from '../run/transitions.ts'
import { failuresOf, throwFailures } from '../shared/failures-of.ts'
import { ignoring } from '../shared/ignoring.ts'
import { type StopRunDependencies, stopRun } from './stop-run.ts'

/** Reason for which the job and the workflow of a deleted run end. */
export const REASON = 'the run was deleted'

/** Ports of a run's deletion. */
export interface DeleteRunDependencies extends StopRunDependencies {
  readonly logs: Pick<LogStore, 'remove'>
  readonly objects: ObjectStore
  readonly runs: RunRepository
  readonly scheduler: JobScheduler
}

/**
 * Deletes a run: hides it, cancels its job and workflow, and removes its files and log. The hidden record remains until
 * {@link completeDeletion}, which also removes late writes of a stager or client and completes an interrupted deletion.
 * Unknown runs count as deleted: core removes its own row first and cannot retry.
 * @param isTimeUp whether the call should start no more work; {@link completeDeletion} removes the rest
 * @throws AggregateError when files or log could not be removed; the other parts are removed all the same
 */
export async function deleteRun(
  deps: DeleteRunDependencies,
  runId: string,
  isTimeUp?: () => boolean,
): Promise<void> {
  await hideAndClear(deps, runId, isTimeUp)
}

/** Deletes a run of a task that is being deleted, and removes it from the list of the task. */
export async function deleteListedRun(
  deps: DeleteRunDependencies,
  runId: string,
  isTimeUp: () => boolean,
): Promise<void> {
  const run = await hideAndClear(deps, runId, isTimeUp)
  if (run !== undefined && !isTimeUp()) await deps.runs.unlist(run)
}

/** Deletes the run's files again, then its values and its record, once no late write is possible. */
export async function completeDeletion(deps: DeleteRunDependencies, runId: string): Promise<void> {
  // The removal is postponed first, so that one that fails does not delay the others.
  const run = await deps.runs.postponeRemoval(runId)
  if (run === undefined) return
  if (isActive(run.state)) await stopRun(deps, run, REASON)
  await clear(deps, run)
  const job = run.job === undefined ? undefined : await findJob(deps.scheduler, run.job)
  // A container may have started before its job was terminated, after which its stream was not recorded.
  if (job !== undefined) await removeLogs(deps, taskLogStreams(job))
  await deps.runs.remove(run)
}

async function findJob(scheduler: JobScheduler, { jobId, jobName }: RunJob): Promise<JobDetail | undefined> {
  if (jobId === undefined) return await scheduler.findByName(jobName)
  const [job] = await scheduler.describe([jobId])
  return job
}

/** @returns the run before its deletion; undefined when it does not exist */
async function hideAndClear(
  deps: DeleteRunDependencies,
  runId: string,
  isTimeUp?: () => boolean,
): Promise<Run | undefined> {
  const hasEndedInSet = placeInSet(runId) !== undefined && (await endInSet(deps.runs, runId))
  // After this write, every conditional write to the run fails: no call stores a value that counts, and no event changes its
  // state.
  const run = isUuid(runId) ? await deps.runs.beginRemoval(runId) : undefined
  if (run === undefined) return undefined
  if (isActive(run.state) || hasEndedInSet) await stopRun(deps, run, REASON)
  await clear(deps, run, isTimeUp)
  return run
}

/** Removes the run's files and log. */
async function clear(deps: DeleteRunDependencies, run: Run, isTimeUp?: () => boolean): Promise<void> {
  const { logStreamName, otherLogStreams = [] } = run.job ?? {}
  const streams = logStreamName === undefined ? otherLogStreams : [...otherLogStreams, logStreamName]
  const failures = await failuresOf([
    () => deps.objects.removeAll(runInputsPrefix(run.id), isTimeUp),
    () => deps.objects.removeAll(runOutputsRoot(run.id), isTimeUp),
    () => removeLogs(deps, streams),
  ])
  throwFailures(failures, `the deletion of run ${run.id} is unfinished`)
}

/**
 * Ends a run of a set before its deletion, so that the set counts its end.
 * @returns whether this call ended it
 */
async function endInSet(runs: RunRepository, runId: string): Promise<boolean> {
  const failure = { kind: 'cancelled', message: REASON } as const
  const ending = runs.transition(runId, { to: 'FAILED', set: { failure } })
  return (await ignoring(ending, RunStateConflictError)) !== undefined
}

/** Removes the streams of the task's container and of its stagers. */
async function removeLogs({ logs }: DeleteRunDependencies, taskStreams: readonly string[]): Promise<void> {
  for (const stream of taskStreams.flatMap(streamsBeside)) await logs.remove(stream)
}

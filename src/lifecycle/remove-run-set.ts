import type { ObjectStore } from '../aws/object-store.ts'
import { setRunId } from '../contract/set-run-id.ts'
import { runInputsPrefix, runSetPrefixes } from '../contract/storage-keys.ts'
import type { RunRepository } from '../run/run-repository.ts'
import type { RunSet } from '../run/set/run-set.ts'
import type { RunSetRepository } from '../run/set/run-set-repository.ts'
import { mapUntilFailure } from '../shared/map-until-failure.ts'

/** Ports of {@link discardRows}. */
interface DiscardDependencies {
  readonly objects: Pick<ObjectStore, 'removeAll'>
  readonly runs: Pick<RunRepository, 'discardInputs'>
}

/** Ports of the last steps of a set's removal. */
interface RemoveSetDependencies extends DiscardDependencies {
  readonly sets: Pick<RunSetRepository, 'endRemoval' | 'remove'>
}

/** Maximum number of rows that are discarded concurrently. */
const ROWS_AT_ONCE = 16

/**
 * Removes the values and objects of rows whose runs were being created. They are stored before the runs, so a worker that was killed, or
 * whose set was cancelled or deleted meanwhile, leaves them without a run. Existing runs keep theirs.
 */
export async function discardRows(
  { objects, runs }: DiscardDependencies,
  { id, round, creatingRows = [] }: Pick<RunSet, 'id' | 'round' | 'creatingRows'>,
): Promise<void> {
  await mapUntilFailure(
    creatingRows,
    async (row) => {
      const runId = setRunId({ setId: id, row, round })
      if (await runs.discardInputs(runId)) await objects.removeAll(runInputsPrefix(runId))
    },
    { concurrency: ROWS_AT_ONCE },
  )
}

/** Removes everything of a hidden set except its record. Its runs must be deleted before. */
export async function endSetRemoval(deps: RemoveSetDependencies, runSet: RunSet): Promise<void> {
  await removeFiles(deps, runSet)
  await deps.sets.endRemoval(runSet)
}

/** Removes the files of a set again, and its record, once no late write is possible. */
export async function completeSetRemoval(deps: RemoveSetDependencies, runSet: RunSet): Promise<void> {
  await removeFiles(deps, runSet)
  await deps.sets.remove(runSet)
}

async function removeFiles(deps: RemoveSetDependencies, runSet: RunSet): Promise<void> {
  await discardRows(deps, runSet)
  for (const prefix of runSetPrefixes(runSet.id)) await deps.objects.removeAll(prefix)
}

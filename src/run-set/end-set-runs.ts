import { DomainError } from '../contract/errors.ts'
import { setRunId } from '../contract/set-run-id.ts'
import { cancelRun } from '../lifecycle/cancel-run.ts'
import { deleteRun } from '../lifecycle/delete-run.ts'
import { discardRows, endSetRemoval } from '../lifecycle/remove-run-set.ts'
import type { Run } from '../run/run.ts'
import { hasFailed, type RunSet } from '../run/set/run-set.ts'
import { isFinal } from '../run/transitions.ts'
import { failuresOf, throwFailures } from '../shared/failures-of.ts'
import { ignoring } from '../shared/ignoring.ts'
import { createdIn } from './count-rows.ts'
import { blockAt, readRuns, rowsOfRound } from './rows-of-set.ts'
import {
  AGAIN,
  advance,
  type Call,
  isTimeUp,
  NOTHING,
  type SetWork,
  type WorkDependencies,
} from './set-work.ts'

/** Maximum number of runs that are cancelled or deleted concurrently. */
const ENDED_AT_ONCE = 16

/** Cancels the runs of a set that have not ended. */
export async function cancelRuns(deps: WorkDependencies, call: Call, runSet: RunSet): Promise<SetWork> {
  const rows = await rowsOfRound(deps, runSet)
  const ids = rows.map((row) => setRunId({ setId: runSet.id, row, round: runSet.round }))
  for await (const found of readRuns(deps, ids)) {
    if (isTimeUp(call)) return AGAIN
    await forEachRun(
      found.filter(({ state }) => !isFinal(state)),
      ({ id }) => cancelRun(deps, id),
    )
  }
  await discardRows(deps, runSet)
  await advance(deps, runSet, { phase: hasFailed(runSet) ? 'failed' : 'cancelled' })
  return NOTHING
}

/** Completes the removal of a set. */
export async function deleteRuns(deps: WorkDependencies, call: Call): Promise<SetWork> {
  const runSet = await deps.sets.findInRemoval(call.setId)
  if (runSet === undefined) return NOTHING
  const counts = await deps.sets.counts(runSet.id)
  for (let round = runSet.round; round > 0; round -= 1) {
    const rows = await rowsOfRound(deps, { ...runSet, round })
    const ids = rows.map((row) => setRunId({ setId: runSet.id, row, round }))
    for await (const found of readRuns(deps, ids)) {
      if (isTimeUp(call)) return AGAIN
      await forEachRun(found, ({ id }) => deleteRun(deps, id))
    }
    // A worker that was killed after its round was cancelled may have left the values of the next block.
    if (round < runSet.round) {
      const creatingRows = blockAt(rows, createdIn(runSet, counts, round))
      await discardRows(deps, { id: runSet.id, round, creatingRows })
    }
  }
  await endSetRemoval(deps, runSet)
  return NOTHING
}

/** Calls `work` for each run; one that has ended is skipped. A failure does not stop the others; the workflow calls again. */
async function forEachRun(runs: readonly Run[], work: (run: Run) => Promise<unknown>): Promise<void> {
  const failures = await failuresOf(
    runs.map((run) => () => ignoring(work(run), DomainError)),
    ENDED_AT_ONCE,
  )
  throwFailures(failures, 'some runs of the set could not be ended')
}

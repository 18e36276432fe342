import { DomainError } from '../contract/errors.ts'
import { cancelRun } from '../lifecycle/cancel-run.ts'
import { deleteRun } from '../lifecycle/delete-run.ts'
import { discardRows, endSetRemoval } from '../lifecycle/remove-run-set.ts'
import type { Run } from '../run/run.ts'
import type { RunSet } from '../run/set/run-set.ts'
import { setRunId } from '../run/set/set-run-id.ts'
import { isFinal } from '../run/transitions.ts'
import { failuresOf, throwFailures } from '../shared/failures-of.ts'
import { readRuns, rowsOfRound } from './rows-of-set.ts'
import {
  AGAIN,
  advance,
  type Call,
  isTimeUp,
  NOTHING,
  type SetWork,
  type WorkDependencies,
} from './set-work.ts'

/** Runs that are cancelled or deleted concurrently. */
const ENDED_AT_ONCE = 16

/** Cancels the runs of a set that have not ended. */
export async function cancelRuns(deps: WorkDependencies, call: Call, runSet: RunSet): Promise<SetWork> {
  const rows = await rowsOfRound(deps, runSet)
  const ids = rows.map((row) => setRunId({ setId: runSet.id, row, round: runSet.round }))
  for await (const found of readRuns(deps, ids)) {
    if (isTimeUp(call)) return AGAIN
    await forEachRun(
      found.flatMap(([, run]) => (isFinal(run.state) ? [] : [run])),
      ({ id }) => cancelRun(deps, id),
    )
  }
  await discardRows(deps, runSet)
  await advance(deps, runSet, { phase: runSet.failure === undefined ? 'cancelled' : 'failed' })
  return NOTHING
}

/** Completes the removal of a set. */
export async function deleteRuns(deps: WorkDependencies, call: Call): Promise<SetWork> {
  const runSet = await deps.sets.findInRemoval(call.setId)
  if (runSet === undefined) return NOTHING
  for (let round = runSet.round; round > 0; round -= 1) {
    const rows = await rowsOfRound(deps, { ...runSet, round })
    const ids = rows.map((row) => setRunId({ setId: runSet.id, row, round }))
    for await (const found of readRuns(deps, ids)) {
      if (isTimeUp(call)) return AGAIN
      await forEachRun(
        found.map(([, run]) => run),
        ({ id }) => deleteRun(deps, id),
      )
    }
  }
  await endSetRemoval(deps, runSet)
  return NOTHING
}

/** A failure does not stop the other runs; the workflow calls again. Runs that have ended are skipped. */
async function forEachRun(runs: readonly Run[], work: (run: Run) => Promise<unknown>): Promise<void> {
  const failures = await failuresOf(
    runs.map((run) => async () => {
      try {
        await work(run)
      } catch (error) {
        if (!(error instanceof DomainError)) throw error
      }
    }),
    ENDED_AT_ONCE,
  )
  throwFailures(failures, 'some runs of the set could not be ended')
}

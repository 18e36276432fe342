import type { Run, RunRow } from '../../api/types.ts'
import { isFinal } from '../../ui/run-states.ts'

/** Time after the end of a run within which its job ends, and its cost arrives: two sweeps and a container that is slow to stop. */
export const LATE_COST_MS = 12 * 60_000

type Ended = Pick<Run, 'state' | 'cost' | 'history' | 'createdAt' | 'updatedAt' | 'endedAt'>

/** Whether the run has or had a job. */
function hadJob({ history }: Pick<Run, 'history'>): boolean {
  return history.some(({ attempt }) => attempt !== undefined)
}

/** Words for a cost that is not known. */
export function wordsForNoCost(run: Pick<Run, 'state' | 'history' | 'reusedFrom'>): string {
  if (run.reusedFrom !== undefined) return 'none, because the run was not executed'
  return isFinal(run.state) && !hadJob(run)
    ? 'none, because the run had no job'
    : 'known when the job has ended'
}

/** Time from which the record of a run does not change, in ms: infinite while the run is active. */
export function completeAt(run: Ended): number {
  const { state, cost, createdAt, updatedAt, endedAt } = run
  if (!isFinal(state)) return Number.POSITIVE_INFINITY
  // A run that failed or was cancelled may end before its job, whose cost is recorded later.
  if (state === 'FINISHED' || cost !== undefined || !hadJob(run)) return 0
  return Date.parse(endedAt ?? updatedAt ?? createdAt) + LATE_COST_MS
}

type Version = Pick<RunRow, 'updatedAt' | 'cost'>

/** Whether a row is of another version than a run. A late cost does not change `updatedAt`. */
export function hasChanged(row: Version, run: Version | undefined): boolean {
  return row.updatedAt !== run?.updatedAt || row.cost?.usd !== run.cost?.usd
}

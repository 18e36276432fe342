import { isUnfinished, type RunSet } from '../run/set/run-set.ts'
import { addCounts, NO_COUNTS, type RoundCounts } from '../run/set/set-counts.ts'

/** Numbers of rows by the state of their latest run; the sum is the number of rows. */
export interface SetCounts {
  /** Rows whose run has not started. Those of a cancelled set become failed or skipped when its workflow has ended their runs. */
  readonly waiting: number
  readonly active: number
  readonly finished: number
  readonly failed: number
  /** Rows that got no run before the set ended. */
  readonly skipped: number
}

/** Phases in which rows of the current round may be without a run for good. */
const CUT_SHORT: ReadonlySet<RunSet['phase']> = new Set(['invalid', 'cancelled', 'failed'])

/**
 * Maximum number of rows that got a run in a round: the first ones, in the order of the round. After a cancellation these runs have
 * all ended, so their number is that of the counted ends. Infinity when the round was not cut short.
 */
export function createdIn(
  { phase, round: current }: Pick<RunSet, 'phase' | 'round'>,
  rounds: readonly RoundCounts[],
  round: number,
): number {
  if (round === current && !CUT_SHORT.has(phase)) return Number.POSITIVE_INFINITY
  const { finished, failed } = rounds[round - 1] ?? NO_COUNTS
  return finished + failed
}

/** Counts the rows of a set. The set may have been read before its counts, so a row is never counted twice. */
export function countRows(runSet: RunSet, rounds: readonly RoundCounts[]): SetCounts {
  const { phase, round, roundRows } = runSet
  const known = rounds.slice(0, round)
  const all = known.reduce(addCounts, NO_COUNTS)
  const present = known[round - 1] ?? NO_COUNTS
  let left = roundRows[0] ?? 0
  const take = (count: number): number => {
    const taken = Math.max(0, Math.min(count, left))
    left -= taken
    return taken
  }
  const finished = take(all.finished)
  const active = take(present.started - present.finished - (present.failed - present.unstarted))
  const failed = take(all.failed - replacedRuns(runSet, rounds))
  const isOpen = isUnfinished({ phase })
  return { waiting: isOpen ? left : 0, active, finished, failed, skipped: isOpen ? 0 : left }
}

/** Number of failed runs that are no longer the latest of their row. */
function replacedRuns(runSet: RunSet, rounds: readonly RoundCounts[]): number {
  const [, ...retried] = runSet.roundRows
  return retried.reduce((sum, rows, index) => sum + Math.min(rows, createdIn(runSet, rounds, index + 2)), 0)
}

import type { Run } from '../run/run.ts'
import type { RunSet } from '../run/set/run-set.ts'
import { type RowDependencies, readLatestRuns } from './rows-of-set.ts'

/** The latest run of a row. */
export interface SetRun {
  /** From 1. */
  readonly row: number
  readonly run: Run
}

/** A page of a set's runs, in the order of the rows. */
export interface SetRunPage {
  readonly content: readonly SetRun[]
  /** Row after which the next page starts; absent on the last one. */
  readonly next?: number
}

interface Page {
  readonly limit: number
  /** Row, from 1, after which the page starts. */
  readonly after: number
  /** Only runs in one of these states; empty or missing: in any. */
  readonly states?: readonly Run['state'][]
}

/** Maximum number of rows that one call reads. A page for some states may have few or no runs, and still have a next page. */
const MAX_ROWS_READ = 2000

/** Lists the latest run of each row. Rows without a run are omitted. */
export async function listSetRuns(
  deps: RowDependencies,
  runSet: RunSet,
  { limit, after, states = [] }: Page,
): Promise<SetRunPage> {
  const [rows = 0] = runSet.roundRows
  const end = Math.min(rows, after + (states.length === 0 ? limit : MAX_ROWS_READ))
  const content: SetRun[] = []
  for await (const found of readLatestRuns(deps, runSet, after, end)) {
    for (const { row, run } of found) {
      if (run === undefined || (states.length > 0 && !states.includes(run.state))) continue
      content.push({ row: row + 1, run })
      if (content.length === limit) return { content, ...(row + 1 < rows && { next: row + 1 }) }
    }
  }
  return { content, ...(end < rows && { next: end }) }
}

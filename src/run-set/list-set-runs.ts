import type { Run } from '../run/run.ts'
import type { RunSet } from '../run/set/run-set.ts'
import { latestRunIds, type RowDependencies, readRuns } from './rows-of-set.ts'

/** The latest run of a row. */
export interface SetRun {
  /** From 1. */
  readonly row: number
  readonly run: Run
}

/** A page of a set's runs, in the order of the rows. */
export interface SetRunPage {
  readonly content: readonly SetRun[]
  /** Row that the next page begins after; absent on the last one. */
  readonly next?: number
}

interface Page {
  readonly limit: number
  /** Row from 1 that the page begins after. */
  readonly after: number
  /** Only runs in this state. */
  readonly state?: Run['state'] | undefined
}

/** Rows that one call looks at: with a state, a page may have fewer runs than asked for, or none, and go on. */
const MOST_ROWS = 2000

/** Lists the latest run of each row. */
export async function listSetRuns(
  deps: RowDependencies,
  runSet: RunSet,
  { limit, after, state }: Page,
): Promise<SetRunPage> {
  const ids = await latestRunIds(deps, runSet)
  const end = Math.min(ids.length, after + (state === undefined ? limit : MOST_ROWS))
  const content: SetRun[] = []
  for await (const found of readRuns(deps, ids.slice(after, end))) {
    for (const [index, run] of found) {
      if (state !== undefined && run.state !== state) continue
      content.push({ row: index + 1, run })
      if (content.length === limit) return { content, ...(index + 1 < ids.length && { next: index + 1 }) }
    }
  }
  return { content, ...(end < ids.length && { next: end }) }
}

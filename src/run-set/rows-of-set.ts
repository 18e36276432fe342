import type { ObjectStore } from '../aws/object-store.ts'
import { placeInSet, setRunId } from '../contract/set-run-id.ts'
import type { Run } from '../run/run.ts'
import { MAX_RUNS_AT_ONCE, type RunRepository } from '../run/run-repository.ts'
import { isInTransition, type RunSet } from '../run/set/run-set.ts'
import type { RunSetRepository } from '../run/set/run-set-repository.ts'
import { createdIn } from './count-rows.ts'
import { findRound } from './set-files.ts'

/** Ports of the lookup of a set's runs. */
export interface RowDependencies {
  readonly objects: ObjectStore
  readonly runs: Pick<RunRepository, 'findAll'>
  readonly sets: Pick<RunSetRepository, 'counts'>
}

/** Number of runs that are read by one DynamoDB call: its limit. */
const RUNS_AT_ONCE = 100

/** Round of a run for each row; 0 for a row without a run. */
type Rounds = Readonly<Uint8Array>

interface LatestRounds {
  readonly latest: Rounds
  /** The latest before the current round. */
  readonly earlier: Rounds
}

/** Rounds of the latest runs. While the set is in transition, runs of the current round may not exist. */
export async function latestRounds(
  { objects, sets }: Pick<RowDependencies, 'objects' | 'sets'>,
  runSet: RunSet,
): Promise<LatestRounds> {
  const counts = await sets.counts(runSet.id)
  const latest = new Uint8Array(runSet.roundRows[0] ?? 0)
  let earlier = latest
  for (let round = 1; round <= runSet.round; round += 1) {
    earlier = latest.slice()
    const rows = await rowsOfRound({ objects }, { ...runSet, round })
    for (const row of rows.slice(0, createdIn(runSet, counts, round))) latest[row] = round
  }
  return { latest, earlier }
}

/** Rows of the current round, from 0, in the order in which their runs are created. */
export async function rowsOfRound(
  { objects }: Pick<RowDependencies, 'objects'>,
  { id, round, roundRows }: RunSet,
): Promise<readonly number[]> {
  if (round === 1) return allRows(roundRows[0] ?? 0)
  return (await findRound({ objects }, id, round)) ?? []
}

export function allRows(count: number): number[] {
  return Array.from({ length: count }, (_, row) => row)
}

/** Rows from a position whose runs are created by one transaction. */
export function blockAt(rows: readonly number[], start: number): number[] {
  return rows.slice(start, start + MAX_RUNS_AT_ONCE)
}

/** A row, from 0, with its latest run. */
export interface RowRun {
  readonly row: number
  /** Undefined when the row has no run yet or will have none, or the run was deleted. */
  readonly run: Run | undefined
  /** Round of the run, if it exists or existed; 0 for none. */
  readonly round: number
}

/** Reads the latest runs of the rows `from` to `to`, exclusive. Memory: one hundred runs. */
export async function* readLatestRuns(
  deps: RowDependencies,
  runSet: RunSet,
  from = 0,
  to = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly RowRun[], void, undefined> {
  const { latest, earlier } = await latestRounds(deps, runSet)
  const end = Math.min(to, latest.length)
  for (let start = from; start < end; start += RUNS_AT_ONCE) {
    const rows = allRows(Math.min(RUNS_AT_ONCE, end - start)).map((row) => start + row)
    const found = await findRuns(deps, runSet.id, rows, latest)
    const missing = isInTransition(runSet) ? rows.filter((row) => !found.has(row)) : []
    const before = await findRuns(deps, runSet.id, missing, earlier)
    yield rows.map((row) => ({
      row,
      run: found.get(row) ?? before.get(row),
      round: (before.has(row) ? earlier : latest)[row] ?? 0,
    }))
  }
}

/** Reads the existing runs of rows in these rounds, by row. */
export async function findRuns(
  { runs }: Pick<RowDependencies, 'runs'>,
  setId: string,
  rows: readonly number[],
  rounds: Rounds,
): Promise<ReadonlyMap<number, Run>> {
  const ids = runIdsOf(setId, rows, rounds)
  const found = ids.length === 0 ? [] : await runs.findAll(ids)
  return new Map(found.map((run) => [rowOfRun(run), run]))
}

/** Ids of the runs of rows in these rounds. */
export function runIdsOf(setId: string, rows: readonly number[], rounds: Rounds): readonly string[] {
  return rows.flatMap((row) => {
    const round = rounds[row] ?? 0
    return round === 0 ? [] : [setRunId({ setId, row, round })]
  })
}

/** Row, from 0, of a run of a set. */
export function rowOfRun({ id }: Pick<Run, 'id'>): number {
  return placeInSet(id)?.row ?? 0
}

/** Reads existing runs by their ids. Memory: one hundred runs. */
export async function* readRuns(
  { runs }: Pick<RowDependencies, 'runs'>,
  runIds: readonly string[],
): AsyncGenerator<readonly Run[], void, undefined> {
  for (let start = 0; start < runIds.length; start += RUNS_AT_ONCE) {
    yield await runs.findAll(runIds.slice(start, start + RUNS_AT_ONCE))
  }
}

import type { ObjectStore } from '../aws/object-store.ts'
import type { Run } from '../run/run.ts'
import type { RunRepository } from '../run/run-repository.ts'
import type { RunSet } from '../run/set/run-set.ts'
import { placeInSet, setRunId } from '../run/set/set-run-id.ts'
import { findRound } from './set-files.ts'

/** Ports of the lookup of a set's runs. */
export interface RowDependencies {
  readonly objects: ObjectStore
  readonly runs: Pick<RunRepository, 'findAll'>
}

/** Number of runs that are read at the same time, the limit of one DynamoDB call. */
const RUNS_AT_ONCE = 100

/** Ids of the latest run of each row, in the order of the rows. */
export async function latestRunIds(
  { objects }: Pick<RowDependencies, 'objects'>,
  runSet: RunSet,
): Promise<readonly string[]> {
  const [rows = 0] = runSet.roundRows
  const rounds = new Uint8Array(rows).fill(1)
  for (let round = 2; round <= runSet.round; round += 1) {
    const retried = (await findRound({ objects }, runSet.id, round)) ?? []
    for (const row of retried) rounds[row] = round
  }
  return Array.from(rounds, (round, row) => setRunId({ setId: runSet.id, row, round }))
}

/** Rows of the current round, from 0. */
export async function rowsOfRound(
  { objects }: Pick<RowDependencies, 'objects'>,
  { id, round, roundRows }: RunSet,
): Promise<readonly number[]> {
  if (round === 1) return Array.from({ length: roundRows[0] ?? 0 }, (_, row) => row)
  return (await findRound({ objects }, id, round)) ?? []
}

/** Reads the existing runs with their rows, from 0. Memory: one hundred runs. */
export async function* readRuns(
  { runs }: Pick<RowDependencies, 'runs'>,
  runIds: readonly string[],
): AsyncGenerator<readonly (readonly [row: number, run: Run])[], void, undefined> {
  for (let start = 0; start < runIds.length; start += RUNS_AT_ONCE) {
    const found = await runs.findAll(runIds.slice(start, start + RUNS_AT_ONCE))
    yield found.map((run) => [placeInSet(run.id)?.row ?? 0, run] as const)
  }
}

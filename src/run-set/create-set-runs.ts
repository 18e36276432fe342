import { DomainError } from '../contract/errors.ts'
import { cutText } from '../contract/quoted.ts'
import { discardRows } from '../lifecycle/remove-run-set.ts'
import { MAX_MESSAGE_LENGTH, type RowProblem, type RunSet } from '../run/set/run-set.ts'
import type { RunSetChange } from '../run/set/run-set-repository.ts'
import { mapUntilFailure } from '../shared/map-until-failure.ts'
import type { Task } from '../task/task.ts'
import { FilesRefusedError, planRun, repeatRun, type SetAndTask, storePlan } from './create-runs.ts'
import { planRow, type RowPlan, withDefaults } from './plan-row.ts'
import { allRows, blockAt, findRuns, latestRounds, readRuns, rowOfRun, runIdsOf } from './rows-of-set.ts'
import {
  findRound,
  findSharedPlan,
  readShared,
  readTable,
  type StoredPlan,
  storeRound,
  storeSharedPlan,
} from './set-files.ts'
import { advance, type Call, isTimeUp, type WorkDependencies } from './set-work.ts'
import { withProblems } from './validate-rows.ts'

/** Number of rows whose values are stored concurrently. */
const ROWS_AT_ONCE = 16

/**
 * Creates the runs of the current round, block by block: of all rows, or in a retry of the rows that failed and of those that got no
 * run. A row whose failed run exists gets its inputs, any other row those of the table.
 */
export async function createRunsOfSet(
  deps: WorkDependencies,
  call: Call,
  { runSet, task }: SetAndTask,
): Promise<void> {
  try {
    const round = runSet.round === 1 ? firstRound(runSet) : await retryRound(deps, runSet)
    if (round !== undefined) await createBlocks(deps, call, task, round)
  } catch (error) {
    const reason = reasonOf(runSet, error)
    if (reason === undefined) throw error
    const { phase, round } = runSet
    // The runs that exist are not started, but cancelled.
    await deps.sets.change(runSet.id, { set: { phase: 'cancelling', ...reason }, if: { phase, round } })
  }
}

/** Why a round ends before its runs are created; undefined for an error that another call may not meet. */
function reasonOf(runSet: RunSet, error: unknown): RunSetChange['set'] | undefined {
  if (error instanceof FilesRefusedError) return withProblems(runSet, error.problems)
  if (!(error instanceof DomainError)) return undefined
  return { failure: cutText(error.explanation ?? error.message, MAX_MESSAGE_LENGTH) }
}

/** A round whose runs are being created. */
interface Round {
  readonly runSet: RunSet
  readonly rows: readonly number[]
  /** Round of the earlier run of each row; 0 for none. */
  readonly earlier: Readonly<Uint8Array>
}

function firstRound(runSet: RunSet): Round {
  const rows = allRows(runSet.roundRows[0] ?? 0)
  return { runSet, rows, earlier: new Uint8Array(rows.length) }
}

/** @returns undefined when the set was cancelled or deleted meanwhile */
async function retryRound(deps: WorkDependencies, runSet: RunSet): Promise<Round | undefined> {
  const { earlier } = await latestRounds(deps, runSet)
  const rows = (await findRound(deps, runSet.id, runSet.round)) ?? (await rowsToRetry(deps, runSet, earlier))
  await storeRound(deps, runSet, rows)
  const repeated = rows.filter((row) => earlier[row] !== 0).length
  const changed = await advance(deps, runSet, {
    roundRows: runSet.roundRows.with(-1, repeated),
    creatingRows: blockAt(rows, runSet.done),
  })
  return changed && { runSet: changed, rows, earlier }
}

/** Rows that failed, and after them those that got no run. The counts tell which rows failed whose run was deleted. */
async function rowsToRetry(
  deps: WorkDependencies,
  runSet: RunSet,
  earlier: Readonly<Uint8Array>,
): Promise<number[]> {
  const all = allRows(earlier.length)
  const deleted = new Set(all.filter((row) => earlier[row] !== 0))
  const failed: number[] = []
  for await (const found of readRuns(deps, runIdsOf(runSet.id, [...deleted], earlier))) {
    for (const run of found) {
      deleted.delete(rowOfRun(run))
      if (run.state === 'FAILED') failed.push(rowOfRun(run))
    }
  }
  const counts = await deps.sets.counts(runSet.id)
  const hasFailed = (row: number): boolean => counts[(earlier[row] ?? 0) - 1]?.failedRows.has(row) === true
  failed.push(...[...deleted].filter(hasFailed))
  return [...failed, ...all.filter((row) => earlier[row] === 0)]
}

/** Creates runs block by block, and stores the progress in the set. */
async function createBlocks(deps: WorkDependencies, call: Call, task: Task, round: Round): Promise<void> {
  const { rows } = round
  const create = blockCreation(deps, task, round)
  let current: RunSet | undefined = round.runSet
  while (current !== undefined && current.done < rows.length) {
    if (isTimeUp(call)) return
    const block = blockAt(rows, current.done)
    try {
      await create(block)
    } catch (error) {
      // The set was cancelled or deleted, its task was deleted, or a file is gone: these runs will not be created.
      if (reasonOf(current, error) !== undefined) await discardRows(deps, { ...current, creatingRows: block })
      throw error
    }
    const done: number = current.done + block.length
    current = await advance(deps, current, { done, creatingRows: blockAt(rows, done) })
  }
  if (current !== undefined) await advance(deps, current, { phase: 'running', done: 0 })
}

/** Returns a function that creates the runs of a block of rows. The table is read when the first row needs it. */
function blockCreation(deps: WorkDependencies, task: Task, { runSet, earlier }: Round) {
  const place = { runSet, task }
  let table: Promise<PlannedTable> | undefined
  return async (block: readonly number[]): Promise<void> => {
    const found = await findRuns(deps, runSet.id, block, earlier)
    const problems: RowProblem[] = []
    const collect = (error: unknown): undefined => {
      if (!(error instanceof FilesRefusedError)) throw error
      problems.push(...error.problems)
    }
    const created = await mapUntilFailure(
      block,
      async (row) => {
        const run = found.get(row)
        if (run !== undefined) return repeatRun(deps, place, { row, run })
        table ??= planTable(deps, place)
        const { plan, shared } = await table
        return planRun(deps, place, { row, plan: plan(row), shared }).catch(collect)
      },
      { concurrency: ROWS_AT_ONCE },
    )
    if (problems.length > 0) throw new FilesRefusedError(problems.sort(byRow))
    // One call, so that an interrupted block has created the runs of its first rows.
    await deps.runs.createAll(created.flatMap((run) => run ?? []))
  }
}

function byRow(one: RowProblem, other: RowProblem): number {
  return (one.row ?? 0) - (other.row ?? 0)
}

/** The table of a set. */
interface PlannedTable {
  readonly shared: StoredPlan
  readonly plan: (row: number) => RowPlan
}

async function planTable(
  deps: WorkDependencies,
  { runSet: { id }, task }: SetAndTask,
): Promise<PlannedTable> {
  const [rows, sent] = [await readTable(deps, id), await readShared(deps, id)]
  const sharedPlan = planRow(task, sent, () => undefined)
  const shared = (await findSharedPlan(deps, id)) ?? (await storeOnce(deps, task, id, sharedPlan))
  const ignore = (): void => undefined
  const plan = (row: number): RowPlan =>
    withDefaults(task, sharedPlan, planRow(task, rows[row] ?? new Map(), ignore))
  return { shared, plan }
}

/** Stores the shared values. A later call must not store them again: a referenced object may have been replaced since. */
async function storeOnce(
  deps: WorkDependencies,
  task: Task,
  setId: string,
  plan: RowPlan,
): Promise<StoredPlan> {
  const stored = await storePlan(deps, task, setId, { plan, row: null })
  await storeSharedPlan(deps, setId, stored)
  return stored
}

import { DomainError } from '../contract/errors.ts'
import { cutText } from '../contract/quoted.ts'
import { discardRows } from '../lifecycle/remove-run-set.ts'
import { MAX_RUNS_AT_ONCE } from '../run/run-repository.ts'
import { MAX_MESSAGE_LENGTH, type RunSet } from '../run/set/run-set.ts'
import { setRunId } from '../run/set/set-run-id.ts'
import { isFinal } from '../run/transitions.ts'
import type { Task } from '../task/task.ts'
import { createPlannedRuns, createRepeatedRuns, storePlan } from './create-runs.ts'
import { cancelRuns, deleteRuns } from './end-set-runs.ts'
import { findFile } from './file-reference.ts'
import { type FindFile, planRow, type RowPlan, withDefaults } from './plan-row.ts'
import { latestRunIds, readRuns, rowsOfRound } from './rows-of-set.ts'
import {
  findRound,
  findSharedPlan,
  readShared,
  readTable,
  type StoredPlan,
  storeRound,
  storeSharedPlan,
} from './set-files.ts'
import {
  AGAIN,
  advance,
  type Call,
  isTimeUp,
  NOTHING,
  type SetWork,
  type WorkDependencies,
} from './set-work.ts'
import { validateRows, validateTable, withProblems } from './validate-rows.ts'

/** Number of rows after which the progress of a validation is stored. */
const VALIDATED_AT_ONCE = 500
/**
 * Performs the next step of a set: validates its table, creates, cancels or deletes runs, or returns the runs
 * to execute. Idempotent; each change of the set is conditional on the state that was read. Memory: the table
 * (32 MiB at most) as text and rows, and the values of {@link MAX_RUNS_AT_ONCE} runs.
 */
export async function workOnRunSet(deps: WorkDependencies, call: Call): Promise<SetWork> {
  const runSet = await deps.sets.find(call.setId)
  if (runSet === undefined) return deleteRuns(deps, call)
  const task = await deps.tasks.findById(runSet.taskId)
  // The task is being deleted, which deletes its sets too.
  if (task === undefined) return NOTHING
  switch (runSet.phase) {
    case 'validating':
      await validate(deps, call, runSet, task)
      return AGAIN
    case 'creating':
      await create(deps, call, runSet, task)
      return AGAIN
    case 'running':
      return carryOut(deps, runSet)
    case 'cancelling':
      return cancelRuns(deps, call, runSet)
    default:
      return NOTHING
  }
}

async function validate(deps: WorkDependencies, call: Call, runSet: RunSet, task: Task): Promise<void> {
  const table = await readSent(deps, runSet)
  if (table instanceof DomainError) {
    const problem = {
      row: null,
      column: null,
      errorCode: table.body.errorCode,
      message: table.explanation ?? '',
    }
    await advance(deps, runSet, { phase: 'invalid', ...withProblems(runSet, [problem]) })
    return
  }
  const { rows, shared } = table
  const find: FindFile = (reference, parameterName) => findFile(deps, reference, parameterName)
  let current: RunSet | undefined = runSet
  if (current.roundRows[0] === 0) {
    const problems = withProblems(current, await validateTable(find, task, table))
    current = await advance(deps, current, { ...problems, roundRows: [rows.length] })
  }
  const plan = planRow(task, shared, () => undefined)
  while (current !== undefined && current.done < rows.length) {
    if (isTimeUp(call)) return
    const first: number = current.done
    const block = rows.slice(first, first + VALIDATED_AT_ONCE)
    const found = await validateRows(find, task, { rows: block, shared: plan, first })
    current = await advance(deps, current, { ...withProblems(current, found), done: first + block.length })
  }
  if (current === undefined) return
  const phase = current.problemCount > 0 ? 'invalid' : 'creating'
  await advance(deps, current, { phase, done: 0, creatingRows: blockAt(allRows(rows.length), 0) })
}

/** The table and the shared values, or the problem of the table as a whole. */
async function readSent(deps: WorkDependencies, { id }: RunSet) {
  try {
    return { rows: await readTable(deps, id), shared: await readShared(deps, id) }
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
}

async function create(deps: WorkDependencies, call: Call, runSet: RunSet, task: Task): Promise<void> {
  try {
    await (runSet.round === 1 ? createFirst(deps, call, runSet, task) : createRetry(deps, call, runSet, task))
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    // A file has been removed since the validation. The created runs are not started, and are ended.
    const failure = cutText(error.explanation ?? error.message, MAX_MESSAGE_LENGTH)
    const { phase, round } = runSet
    await deps.sets.change(runSet.id, { set: { phase: 'cancelling', failure }, if: { phase, round } })
  }
}

/** Creates runs block by block, and stores the progress in the set. */
async function createBlocks(
  deps: WorkDependencies,
  call: Call,
  runSet: RunSet,
  {
    rows,
    createBlock,
  }: { readonly rows: readonly number[]; readonly createBlock: (rows: readonly number[]) => Promise<void> },
): Promise<void> {
  let current: RunSet | undefined = runSet
  while (current !== undefined && current.done < rows.length) {
    if (isTimeUp(call)) return
    const block = blockAt(rows, current.done)
    try {
      await createBlock(block)
    } catch (error) {
      // The set was cancelled or deleted, its task was deleted, or a file is gone: these runs will not be created.
      if (error instanceof DomainError) await discardRows(deps, { ...current, creatingRows: block })
      throw error
    }
    const done: number = current.done + block.length
    current = await advance(deps, current, { done, creatingRows: blockAt(rows, done) })
  }
  if (current !== undefined) await advance(deps, current, { phase: 'running', done: 0 })
}

/** Rows whose runs are created by one transaction. */
function blockAt(rows: readonly number[], start: number): number[] {
  return rows.slice(start, start + MAX_RUNS_AT_ONCE)
}

function allRows(count: number): number[] {
  return Array.from({ length: count }, (_, row) => row)
}

async function createFirst(deps: WorkDependencies, call: Call, runSet: RunSet, task: Task): Promise<void> {
  const [rows, sent] = [await readTable(deps, runSet.id), await readShared(deps, runSet.id)]
  const sharedPlan = planRow(task, sent, () => undefined)
  const shared =
    (await findSharedPlan(deps, runSet.id)) ?? (await storeOnce(deps, task, runSet.id, sharedPlan))
  await createBlocks(deps, call, runSet, {
    rows: allRows(rows.length),
    createBlock: (block) =>
      createPlannedRuns(
        deps,
        { task, runSet, shared },
        block.map((row) => [
          row,
          withDefaults(
            task,
            sharedPlan,
            planRow(task, rows[row] ?? new Map(), () => undefined),
          ),
        ]),
      ),
  })
}

/** Stores the shared values. A later call must not store them again: a referenced object may have been replaced since. */
async function storeOnce(
  deps: WorkDependencies,
  task: Task,
  setId: string,
  plan: RowPlan,
): Promise<StoredPlan> {
  const stored = await storePlan(deps, task, setId, plan)
  await storeSharedPlan(deps, setId, stored)
  return stored
}

async function createRetry(deps: WorkDependencies, call: Call, runSet: RunSet, task: Task): Promise<void> {
  const latest = await latestRunIds(deps, { ...runSet, round: runSet.round - 1 })
  const rows = (await findRound(deps, runSet.id, runSet.round)) ?? (await failedRows(deps, latest))
  await storeRound(deps, runSet, rows)
  const roundRows = runSet.roundRows.with(-1, rows.length)
  const current = await advance(deps, runSet, { roundRows, creatingRows: blockAt(rows, runSet.done) })
  if (current === undefined) return
  await createBlocks(deps, call, current, {
    rows,
    async createBlock(block) {
      const ids = block.flatMap((row) => latest[row] ?? [])
      for await (const found of readRuns(deps, ids)) {
        await createRepeatedRuns(deps, { task, runSet }, found)
      }
    },
  })
}

async function failedRows(deps: WorkDependencies, runIds: readonly string[]): Promise<number[]> {
  const rows: number[] = []
  for await (const found of readRuns(deps, runIds)) {
    rows.push(...found.flatMap(([row, { state }]) => (state === 'FAILED' ? [row] : [])))
  }
  return rows
}

/** Runs that have not ended: at first all, and after a crash of the workflow the remaining ones. */
async function carryOut(deps: WorkDependencies, runSet: RunSet): Promise<SetWork> {
  const rows = await rowsOfRound(deps, runSet)
  const ids = rows.map((row) => setRunId({ setId: runSet.id, row, round: runSet.round }))
  const open: string[] = []
  for await (const found of readRuns(deps, ids)) {
    open.push(...found.flatMap(([, { id, state }]) => (isFinal(state) ? [] : [id])))
  }
  if (open.length === 0) {
    await advance(deps, runSet, { phase: 'finished' })
    return NOTHING
  }
  return {
    isDone: false,
    prefix: runSet.id.slice(0, -PLACE_LENGTH),
    runs: open.map((id) => id.slice(-PLACE_LENGTH)),
    maxConcurrency: runSet.maxConcurrency,
  }
}

/**
 * Length of the part of an id that differs within a set. Ten thousand whole ids would exceed the 256 KiB
 * state of Step Functions.
 */
const PLACE_LENGTH = 6

import { DomainError } from '../contract/errors.ts'
import { setRunId } from '../contract/set-run-id.ts'
import type { RunSet } from '../run/set/run-set.ts'
import { isFinal } from '../run/transitions.ts'
import type { Task } from '../task/task.ts'
import { createRunsOfSet } from './create-set-runs.ts'
import { cancelRuns, deleteRuns } from './end-set-runs.ts'
import { findFile } from './file-reference.ts'
import { type FindFile, planRow, problemOf } from './plan-row.ts'
import { RowError } from './row-table.ts'
import { allRows, blockAt, readRuns, rowsOfRound } from './rows-of-set.ts'
import { readShared, readTable } from './set-files.ts'
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
 * (32 MiB at most) as text and rows, and the values of a block of runs.
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
      await createRunsOfSet(deps, call, { runSet, task })
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
    const problem = table instanceof RowError ? table.problem : { row: null, ...problemOf(table, null) }
    await advance(deps, runSet, { phase: 'invalid', ...withProblems(runSet, [problem]) })
    return
  }
  const { rows, shared } = table
  const find: FindFile = (reference, parameterName) => findFile(deps, reference, parameterName)
  let current: RunSet | undefined = runSet
  if (current.roundRows[0] === 0) {
    const problems = withProblems(current, await validateTable(find, task, table))
    current = await advance(deps, current, { ...problems, roundRows: current.roundRows.with(0, rows.length) })
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

/** Runs that have not ended: at first all, and after a crash of the workflow the remaining ones. */
async function carryOut(deps: WorkDependencies, runSet: RunSet): Promise<SetWork> {
  const rows = await rowsOfRound(deps, runSet)
  const ids = rows.map((row) => setRunId({ setId: runSet.id, row, round: runSet.round }))
  const open: string[] = []
  for await (const found of readRuns(deps, ids)) {
    open.push(...found.flatMap(({ id, state }) => (isFinal(state) ? [] : [id])))
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

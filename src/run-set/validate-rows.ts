import pMap from 'p-map'
import { DomainError } from '../contract/errors.ts'
import { cutText } from '../contract/quoted.ts'
import {
  MAX_COLUMN_LENGTH,
  MAX_MESSAGE_LENGTH,
  MAX_PROBLEMS,
  type RowProblem,
  type RunSet,
} from '../run/set/run-set.ts'
import {
  checkFiles,
  checkPlan,
  type FindFile,
  mergePlans,
  planRow,
  problemOf,
  type RowPlan,
  type TableTask,
  unknownColumns,
  withDefaults,
} from './plan-row.ts'
import type { Row } from './row-table.ts'

/** Maximum number of rows whose files are checked concurrently. */
const ROWS_AT_ONCE = 16

/** Problems found so far. */
export type Problems = Pick<RunSet, 'problems' | 'problemCount'>

/** Adds problems. A set stores a limited number; further ones are only counted. Long names and messages are cut. */
export function withProblems(before: Problems, found: readonly RowProblem[]): Problems {
  const kept = found.slice(0, MAX_PROBLEMS - before.problems.length)
  return {
    problems: [...before.problems, ...kept.map(shortened)],
    problemCount: before.problemCount + found.length,
  }
}

function shortened({ column, message, ...problem }: RowProblem): RowProblem {
  return {
    ...problem,
    column: column === null ? null : cutText(column, MAX_COLUMN_LENGTH),
    message: cutText(message, MAX_MESSAGE_LENGTH),
  }
}

/** Problems that belong to no single row: unknown columns, and invalid shared values. */
export async function validateTable(
  find: FindFile,
  task: TableTask,
  { rows, shared }: { readonly rows: readonly Row[]; readonly shared: Row },
): Promise<readonly RowProblem[]> {
  const found: RowProblem[] = []
  const report = (problem: Omit<RowProblem, 'row'>): void => void found.push({ row: null, ...problem })
  for (const [, column] of unknownColumns(task, [shared])) report(unknownColumn(column))
  for (const [row, column] of unknownColumns(task, rows)) found.push({ row, ...unknownColumn(column) })
  await checkFiles(find, planRow(task, shared, report), report)
  return found
}

function unknownColumn(column: string): Omit<RowProblem, 'row'> {
  const words = 'the task has no such parameter'
  const details = { type: 'parameter', parameterName: column } as const
  return problemOf(new DomainError('INTERNAL_PARAMETER_DOES_NOT_EXIST', details, { words }), column)
}

/** Problems of the rows, in order. Memory: the rows, and the file headers of {@link ROWS_AT_ONCE} rows. */
export async function validateRows(
  find: FindFile,
  task: TableTask,
  {
    rows,
    shared,
    first,
  }: { readonly rows: readonly Row[]; readonly shared: RowPlan; readonly first: number },
): Promise<readonly RowProblem[]> {
  const found = await pMap(
    rows,
    async (row, index) => {
      const problems: RowProblem[] = []
      const report = (problem: Omit<RowProblem, 'row'>): void =>
        void problems.push({ row: first + index + 1, ...problem })
      const own = planRow(task, row, report)
      checkPlan(task, mergePlans(shared, withDefaults(task, shared, own)), report)
      await checkFiles(find, own, report)
      return problems
    },
    { concurrency: ROWS_AT_ONCE },
  )
  return found.flat()
}

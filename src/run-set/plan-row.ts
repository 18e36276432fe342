import { DomainError, wordsOf } from '../contract/errors.ts'
import { type JsonValue, parseJson } from '../contract/json.ts'
import { topIndexes } from '../inputs/array-provisions.ts'
import { matchingProblems } from '../inputs/matching.ts'
import { checkValue } from '../inputs/provision-file.ts'
import { type CheckedProvision, checkProvision } from '../inputs/provision-input.ts'
import { parameterNamed } from '../run/find-run.ts'
import type { Provision } from '../run/run.ts'
import type { RowProblem } from '../run/set/run-set.ts'
import { isFileType, leafOf, type ParameterType, type Task, type TaskInput } from '../task/task.ts'
import type { SentFile } from '../upload/sent-file.ts'
import { type Cell, invalid, type Row } from './row-table.ts'

/** Reference to the file of an image or file input. */
export interface PlannedFile {
  readonly input: TaskInput
  readonly reference: JsonValue
}

/** Values of one run. Everything but the content of its files is checked. */
export interface RowPlan {
  readonly values: readonly CheckedProvision[]
  readonly files: readonly PlannedFile[]
  /** Names of the inputs whose value was refused. */
  readonly refused: readonly string[]
}

/** Fields of a task that a table is checked against. */
export type TableTask = Pick<Task, 'inputs' | 'matchingGroups'>

/**
 * Finds the file that the value of an image or file input names; undefined when it cannot be read here.
 * @throws DomainError naming the parameter
 */
export type FindFile = (reference: JsonValue, parameterName: string) => Promise<SentFile | undefined>

/** Receives a problem; the caller knows its row. */
type Report = (problem: Omit<RowProblem, 'row'>) => void

/** A problem as a set reports it. */
export function problemOf(error: DomainError, column: string | null): Omit<RowProblem, 'row'> {
  return { column, errorCode: error.body.errorCode, message: wordsOf(error) }
}

const NO_FILE_ARRAYS =
  'a row cannot have an array of images or files; leave it out if it is optional, or create single runs'

/** Checks each value of a row, or the shared values. Files are checked later. */
export function planRow(task: Pick<Task, 'inputs'>, row: Row, report: Report): RowPlan {
  const values: CheckedProvision[] = []
  const files: PlannedFile[] = []
  const refused: string[] = []
  const given = new Set<string>()
  for (const [name, cell] of row) {
    const input = parameterNamed(task.inputs, name)
    // Unknown columns are reported once, for the table.
    if (input === undefined) continue
    try {
      // Names may differ only in case: "a" and "A".
      if (given.has(input.name)) throw invalid('two columns have a value for this parameter; leave one out')
      given.add(input.name)
      const value = jsonOf(cell, input.type)
      if (input.type.id === 'array' && isFileType(leafOf(input.type)) && value !== null)
        throw invalid(NO_FILE_ARRAYS)
      if (isFileType(input.type) && value !== null) files.push({ input, reference: value })
      else values.push(checkProvision(task, { parameterName: input.name, value }))
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      report(problemOf(error, input.name))
      refused.push(input.name)
    }
  }
  return { values, files, refused }
}

/** The plan of a row, with the defaults of inputs that have neither a value of the row nor a shared one. */
export function withDefaults(task: Pick<Task, 'inputs'>, shared: RowPlan, row: RowPlan): RowPlan {
  const known = namesIn(shared).union(namesIn(row))
  const defaults = task.inputs.flatMap(({ name, default: value }) =>
    value === undefined || known.has(name) ? [] : [checkProvision(task, { parameterName: name, value })],
  )
  return { ...row, values: [...row.values, ...defaults] }
}

/** The plan of a row, with the shared values that it does not replace. */
export function mergePlans(shared: RowPlan, row: RowPlan): RowPlan {
  const given = namesIn(row)
  return {
    values: [...shared.values.filter(({ input }) => !given.has(input.name)), ...row.values],
    files: [...shared.files.filter(({ input }) => !given.has(input.name)), ...row.files],
    refused: [...shared.refused.filter((name) => !given.has(name)), ...row.refused],
  }
}

/** Start of a reference to an input in a matching group. */
const INPUTS = 'inputs/'

/** Reports the missing inputs of a merged plan, and arrays that do not match. Those without a valid value are not compared. */
export function checkPlan(task: TableTask, plan: RowPlan, report: Report): void {
  const known = namesIn(plan)
  const undecided = new Set(plan.refused)
  for (const { name, type, optional } of task.inputs) {
    if (optional || known.has(name)) continue
    undecided.add(name)
    const words = `there is no value; expected one of type ${type.id}, since this input is required`
    const details = { type: 'parameter', parameterName: name } as const
    report(problemOf(new DomainError('INTERNAL_NOT_PROVISIONED', details, { words }), name))
  }
  const provisions = Object.fromEntries(
    plan.values.map((value) => [value.input.name, arrayProvisionOf(value)]),
  )
  const isDecided = (reference: string): boolean =>
    reference.startsWith(INPUTS) && !undecided.has(reference.slice(INPUTS.length))
  const problems = matchingProblems(task, isDecided, (reference) =>
    topIndexes({ provisions }, reference.slice(INPUTS.length)),
  )
  for (const problem of problems) {
    const { details } = problem
    report(problemOf(problem, details.type === 'parameter' ? details.parameterName : null))
  }
}

/** Checks the files of a plan by their headers. */
export async function checkFiles(find: FindFile, plan: RowPlan, report: Report): Promise<void> {
  for (const { input, reference } of plan.files) {
    try {
      const found = await find(reference, input.name)
      if (found !== undefined) await checkValue(found.source, input.type, input.name)
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      report(problemOf(error, input.name))
    }
  }
}

/** Problems of the table as a whole: columns that are not inputs of the task. */
export function unknownColumns(
  task: Pick<Task, 'inputs'>,
  rows: readonly Row[],
): readonly (readonly [row: number, column: string])[] {
  const found = new Map<string, number>()
  for (const [index, row] of rows.entries()) {
    for (const name of row.keys()) {
      if (!found.has(name) && parameterNamed(task.inputs, name) === undefined) found.set(name, index + 1)
    }
  }
  return [...found].map(([column, row]) => [row, column])
}

/** Names of the inputs that have a value, valid or not. */
function namesIn({ values, files, refused }: RowPlan): Set<string> {
  return new Set([...[...values, ...files].map(({ input }) => input.name), ...refused])
}

/** Types whose JSON value is a text. */
const TEXTS: ReadonlySet<ParameterType['id']> = new Set([
  'string',
  'enumeration',
  'datetime',
  'geometry',
  'image',
  'file',
])

/** JSON value of a CSV field, by the type of its parameter. */
export function jsonOf(cell: Cell, { id }: ParameterType): JsonValue {
  if ('json' in cell) return cell.json
  if (TEXTS.has(id)) return cell.text
  try {
    // Spreadsheets write booleans in upper case.
    return parseJson(id === 'boolean' ? cell.text.toLowerCase() : cell.text)
  } catch {
    // The text is not JSON: the type's codec accepts it (NaN) or reports the error.
    return cell.text
  }
}

/** The values that the matching of arrays compares. */
function arrayProvisionOf({ content }: CheckedProvision): Provision {
  if (content === undefined) return { kind: 'cleared' }
  if (typeof content === 'string') return { kind: 'value', valueId: '' }
  return { kind: 'value', valueId: '', indexes: [...content.indexes] }
}

import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { DomainError, parameterError } from '../../src/contract/errors.ts'
import type { JsonValue } from '../../src/contract/json.ts'
import { quoted } from '../../src/contract/quoted.ts'
import { MAX_TABLE_BYTES } from '../../src/contract/run-set-limits.ts'
import { parameterNamed } from '../../src/run/find-run.ts'
import type { RowProblem } from '../../src/run/set/run-set.ts'
import { type FindFile, jsonOf, planRow } from '../../src/run-set/plan-row.ts'
import { type Row, readRowTable } from '../../src/run-set/row-table.ts'
import { validateRows, validateTable } from '../../src/run-set/validate-rows.ts'
import { isFileType, type ParameterType, type TaskDescriptor } from '../../src/task/task.ts'
import { IS_NO_FILE } from '../inputs/parse-inputs.ts'
import { fileSource } from '../task/file-source.ts'
import { CommandError, usageError } from '../terminal/command-error.ts'
import { wordsOf } from '../terminal/words-of.ts'

/** A table of inputs on this machine, with the values of all rows. */
export interface InputTable {
  readonly rows: readonly Row[]
  readonly shared: Row
  /** Base folder of the relative paths in rows. */
  readonly folder: string
}

/**
 * Reads the rows of a file: CSV with a header, JSON lines, or a JSON array.
 * @throws CommandError
 */
export async function readTableFile(path: string): Promise<Pick<InputTable, 'rows' | 'folder'>> {
  const info = await stat(path).catch(() => undefined)
  if (info?.isFile() !== true)
    throw usageError(`there is no file ${path}; expected a table (CSV or JSON lines)`)
  if (info.size > MAX_TABLE_BYTES) {
    throw new CommandError(`${path} has ${info.size} bytes; a table has at most ${MAX_TABLE_BYTES}: split it`)
  }
  return { rows: rowsIn(path, textOf(path, await readFile(path))), folder: dirname(resolve(path)) }
}

function textOf(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CommandError(`${path} is not UTF-8; save it as "CSV UTF-8"`)
  }
}

function rowsIn(path: string, text: string): readonly Row[] {
  try {
    return readRowTable(text)
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    throw new CommandError(`${path}: ${wordsOf(error)}`, undefined, { cause: error })
  }
}

/**
 * Checks a table by the service's own code. Files that are not on this machine are not checked.
 * @returns problems in the order of the rows
 */
export async function checkTable(
  descriptor: TaskDescriptor,
  { rows, shared, folder }: InputTable,
): Promise<readonly RowProblem[]> {
  const find = findLocalFile(folder)
  const ofTable = await validateTable(find, descriptor, { rows, shared })
  const plan = planRow(descriptor, shared, () => undefined)
  const ofRows = await validateRows(find, descriptor, { rows, shared: plan, first: 0 })
  return [...ofTable.map(withSeparatorHint), ...ofRows]
}

/** Spreadsheets of some regions separate fields by semicolons. */
function withSeparatorHint(problem: RowProblem): RowProblem {
  const { column, message } = problem
  if (column === null || !/[;\t]/u.test(column)) return problem
  return { ...problem, message: `${message}; the fields of a CSV are separated by commas` }
}

const ELSEWHERE = /^(?:upload:|run:|s3:\/\/)./u
const EXPECTED =
  'expected "@PATH" for a file of this machine, "upload:<id>", "run:<id>/<output>" or "s3://<bucket>/<key>"'

/** Whether a value names a file that is not on this machine. */
export function isElsewhere(reference: JsonValue): boolean {
  return typeof reference === 'string' && ELSEWHERE.test(reference)
}

/** Path of a file that a value names on this machine; undefined for any other value. */
function localPath(reference: JsonValue, folder: string): string | undefined {
  if (typeof reference !== 'string' || !reference.startsWith('@') || reference === '@') return undefined
  return resolve(folder, reference.slice(1))
}

function findLocalFile(folder: string): FindFile {
  return async (reference, parameterName) => {
    const refuse = (words: string): DomainError =>
      parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName, words, { isMessageOurs: true })
    if (isElsewhere(reference)) return undefined
    const path = localPath(reference, folder)
    if (path === undefined) {
      const shown = typeof reference === 'string' ? reference : JSON.stringify(reference)
      throw refuse(`${quoted(shown, 80)} does not name a file; ${EXPECTED}`)
    }
    const info = await stat(path).catch(() => undefined)
    if (info === undefined) throw refuse(`there is no file ${path}`)
    // A folder is packed when it is sent; the service checks it.
    if (info.isDirectory()) return undefined
    if (!info.isFile()) throw refuse(`${path} ${IS_NO_FILE}`)
    if (info.size === 0) throw refuse(`the file ${path} is empty`)
    return { source: await fileSource(path), store: async () => {} }
  }
}

/** A table in the form of the API: values in JSON, files by the id of their upload. */
export interface SentTable {
  readonly rows: readonly Readonly<Record<string, JsonValue>>[]
  readonly shared: Readonly<Record<string, JsonValue>>
}

/**
 * Converts fields of CSVs to JSON, and paths of files to the references that `send` returns.
 * @param send called once for each file
 */
export async function tableToSend(
  descriptor: TaskDescriptor,
  { rows, shared, folder }: InputTable,
  send: (paths: readonly string[]) => Promise<ReadonlyMap<string, string>>,
): Promise<SentTable> {
  const all = [shared, ...rows].map((row) => valuesOf(descriptor, row))
  const paths = all.flatMap((row) =>
    row.flatMap(({ type, value }) => (isFileType(type) ? (localPath(value, folder) ?? []) : [])),
  )
  const sent = await send([...new Set(paths)])
  const [first = {}, ...others] = all.map((row) =>
    Object.fromEntries(
      row.map(({ name, type, value }) => {
        const path = isFileType(type) ? localPath(value, folder) : undefined
        return [name, path === undefined ? value : (sent.get(path) ?? value)]
      }),
    ),
  )
  return { shared: first, rows: others }
}

interface NamedValue {
  readonly name: string
  readonly type: ParameterType
  readonly value: JsonValue
}

/** Values of a row whose columns were checked. */
function valuesOf({ inputs }: TaskDescriptor, row: Row): readonly NamedValue[] {
  return [...row].flatMap(([name, cell]) => {
    const input = parameterNamed(inputs, name)
    return input === undefined ? [] : [{ name, type: input.type, value: jsonOf(cell, input.type) }]
  })
}

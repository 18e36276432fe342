import { CsvError, parse as parseCsv } from 'csv-parse/sync'
import { DomainError } from '../contract/errors.ts'
import { type JsonValue, LoneSurrogateError, parseJson } from '../contract/json.ts'
import { quoted } from '../contract/quoted.ts'
import { MAX_COLUMNS, MAX_ROWS } from '../contract/run-set-limits.ts'
import type { RowProblem } from '../run/set/run-set.ts'

/** Value of a row: JSON, or the text of a CSV field, which the parameter's type interprets. */
export type Cell = { readonly json: JsonValue } | { readonly text: string }

/** Values of one run by parameter name, spelled as in the table. */
export type Row = ReadonlyMap<string, Cell>

/**
 * Parses a table of inputs: a JSON array of objects, JSON lines, or CSV with a header (RFC 4180). An empty CSV field is no value.
 * @throws DomainError RUN_SET_INVALID with the line, when the text has none of these forms, no row, or too many rows or columns
 */
export function readRowTable(text: string): readonly Row[] {
  const rows = rowsOf(text.replace(/^\uFEFF/u, ''))
  if (rows.length === 0) throw invalid('the table has no row')
  requireRows(rows.length)
  const names = new Set<string>()
  for (const row of rows) {
    for (const name of row.keys()) names.add(name)
    requireColumns(names.size)
  }
  return rows
}

/** Also called before rows are created, because millions of them would exceed the memory. */
function requireRows(count: number): void {
  if (count > MAX_ROWS)
    throw invalid(`the table has more than ${MAX_ROWS} rows; expected at most ${MAX_ROWS}`)
}

function requireColumns(count: number): void {
  if (count > MAX_COLUMNS) {
    throw invalid(`the table has more than ${MAX_COLUMNS} columns; expected at most one for each parameter`)
  }
}

/** Error about the request for a set, or about its table. */
export function invalid(words: string, cause?: unknown): DomainError {
  return new DomainError('RUN_SET_INVALID', undefined, { words, cause })
}

/** Error about one row of a table, because of which the table cannot be read. */
export class RowError extends DomainError {
  readonly problem: RowProblem

  /** @param path the names of the row's values that lead to the wrong one; only the first is shown, as the column */
  constructor(row: number, path: readonly (string | number)[], cause: Error) {
    const [column = null] = path.map(String)
    const place = `row ${row}${column === null ? '' : `, column ${quoted(column, 60)}`}`
    super('RUN_SET_INVALID', undefined, { words: `${place}: ${cause.message}`, cause })
    this.problem = { row, column, errorCode: this.body.errorCode, message: cause.message }
  }
}

function rowsOf(text: string): readonly Row[] {
  const start = text.trimStart()[0]
  if (start === '[') return arrayRows(text)
  return start === '{' ? lineRows(text) : csvRows(text)
}

function notJson(place: string, cause: unknown): DomainError {
  return invalid(`${place} is not JSON: ${(cause as Error).message}`, cause)
}

function arrayRows(text: string): readonly Row[] {
  let rows: readonly JsonValue[]
  try {
    rows = parseJson(text) as readonly JsonValue[]
  } catch (cause) {
    if (!(cause instanceof LoneSurrogateError)) throw notJson('the table', cause)
    const [index = 0, ...path] = cause.path
    throw new RowError(Number(index) + 1, path, cause)
  }
  requireRows(rows.length)
  return rows.map((row, index) => jsonRow(row, `row ${index + 1}`))
}

function lineRows(text: string): readonly Row[] {
  const rows: Row[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    rows.push(lineRow(line, index + 1, rows.length + 1))
    requireRows(rows.length)
  }
  return rows
}

/** @param number of the line, which is greater than that of the row after empty lines */
function lineRow(line: string, number: number, row: number): Row {
  try {
    return jsonRow(parseJson(line), `line ${number}`)
  } catch (cause) {
    if (cause instanceof DomainError) throw cause
    throw cause instanceof LoneSurrogateError
      ? new RowError(row, cause.path, cause)
      : notJson(`line ${number}`, cause)
  }
}

/** @throws DomainError RUN_SET_INVALID for anything but an object */
export function jsonRow(row: JsonValue, place: string): Row {
  if (row === null || typeof row !== 'object' || Array.isArray(row)) {
    throw invalid(
      `${place} is not an object; expected values by the name of their parameter, such as {"a": 5}`,
    )
  }
  requireColumns(Object.keys(row).length)
  return new Map(Object.entries(row).map(([name, json]) => [name, { json }]))
}

function csvRows(text: string): readonly Row[] {
  const [header = [], ...records] = recordsOf(text)
  requireColumns(header.length)
  const names = header.map((name) => name.trim())
  const twice = names.find((name, index) => name === '' || names.indexOf(name) !== index)
  if (twice !== undefined) {
    throw invalid(
      `the header of the CSV has ${twice === '' ? 'a column without a name' : `two columns "${twice}"`}`,
    )
  }
  return records.map((record) => {
    const cells = names.map((name, index) => [name, { text: record[index] ?? '' }] as const)
    return new Map(cells.filter(([, cell]) => cell.text !== ''))
  })
}

function recordsOf(text: string): string[][] {
  try {
    return parseCsv(text, { skip_empty_lines: true, to: MAX_ROWS + 2 })
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    throw invalid(`the table is not CSV with a header: ${cause.message}`, cause)
  }
}

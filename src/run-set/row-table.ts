import { CsvError, parse as parseCsv } from 'csv-parse/sync'
import { DomainError } from '../contract/errors.ts'
import { type JsonValue, parseJson } from '../contract/json.ts'
import { MAX_COLUMNS, MAX_ROWS } from '../contract/run-set-limits.ts'

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

function rowsOf(text: string): readonly Row[] {
  const start = text.trimStart()[0]
  if (start === '[') return arrayRows(parsed(text, 'the table is not JSON'))
  return start === '{' ? lineRows(text) : csvRows(text)
}

function parsed(text: string, words: string): JsonValue {
  try {
    return parseJson(text)
  } catch (cause) {
    throw invalid(`${words}: ${(cause as Error).message}`, cause)
  }
}

function arrayRows(table: JsonValue): readonly Row[] {
  const rows = table as readonly JsonValue[]
  requireRows(rows.length)
  return rows.map((row, index) => jsonRow(row, `row ${index + 1}`))
}

function lineRows(text: string): readonly Row[] {
  const rows: Row[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    rows.push(jsonRow(parsed(line, `line ${index + 1} is not JSON`), `line ${index + 1}`))
    requireRows(rows.length)
  }
  return rows
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

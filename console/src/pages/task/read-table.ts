/** A table of inputs as the form shows it, before the service checks it. */
export interface Table {
  readonly format: 'CSV' | 'JSON lines' | 'JSON'
  readonly columns: readonly string[]
  readonly rows: number
  /** The first rows, by column. */
  readonly sample: readonly (readonly string[])[]
}

const SAMPLE_ROWS = 3
/** Characters of a cell that are shown. */
const MAX_CELL = 60
/** Most bytes of a table that the service takes. */
export const MAX_TABLE_BYTES = 32 * 1024 * 1024

/** A text that is no table. */
export class TableError extends Error {
  override readonly name = 'TableError'
}

/**
 * Reads a table as the service will: a JSON array of objects, JSON lines, or CSV with a header.
 * @throws TableError naming the line
 */
export function readTable(text: string): Table {
  const plain = text.replace(/^\uFEFF/u, '')
  const start = plain.trimStart()[0]
  if (start === '[') return ofObjects('JSON', arrayOf(plain))
  return start === '{' ? ofObjects('JSON lines', linesOf(plain)) : ofCsv(plain)
}

type Row = Readonly<Record<string, unknown>>

function arrayOf(text: string): readonly Row[] {
  return (parsed(text, 'The table') as readonly unknown[]).map((row, at) => objectOf(row, `Row ${at + 1}`))
}

function linesOf(text: string): readonly Row[] {
  return text.split('\n').flatMap((line, at) => {
    const place = `Line ${at + 1}`
    return line.trim() === '' ? [] : [objectOf(parsed(line, place), place)]
  })
}

function parsed(text: string, place: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new TableError(`${place} is not JSON: ${(error as Error).message}`)
  }
}

function objectOf(row: unknown, place: string): Row {
  if (typeof row === 'object' && row !== null && !Array.isArray(row)) return row as Row
  throw new TableError(`${place} is no object. Write values by the name of their input: {"a": 5}.`)
}

function ofObjects(format: Table['format'], rows: readonly Row[]): Table {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const shown = (value: unknown): string =>
    cut(value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value))
  const sample = rows.slice(0, SAMPLE_ROWS).map((row) => columns.map((column) => shown(row[column])))
  return { format, columns, rows: requireRows(rows.length), sample }
}

function ofCsv(text: string): Table {
  const [header = [], ...records] = recordsOf(text)
  const columns = header.map((name) => name.trim())
  const sample = records.slice(0, SAMPLE_ROWS).map((record) => columns.map((_, at) => cut(record[at] ?? '')))
  return { format: 'CSV', columns, rows: requireRows(records.length), sample }
}

function requireRows(rows: number): number {
  if (rows === 0) throw new TableError('The table has no row.')
  return rows
}

/** Fields between quotes, which may hold separators and line breaks; or other fields; and what follows them. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy

/** Records of a CSV (RFC 4180); empty lines are none. */
function recordsOf(text: string): string[][] {
  const records: string[][] = []
  let record: string[] = []
  FIELD.lastIndex = 0
  while (FIELD.lastIndex < text.length) {
    const at = FIELD.lastIndex
    const [, quoted, plain = '', end] = FIELD.exec(text) ?? []
    if (end === undefined) throw new TableError(`Line ${lineOf(text, at)} has a quote that does not fit.`)
    record.push(quoted?.replaceAll('""', '"') ?? plain)
    if (end === ',' && FIELD.lastIndex < text.length) continue
    if (end === ',') record.push('')
    if (record.length > 1 || record[0] !== '') records.push(record)
    record = []
  }
  return records
}

function lineOf(text: string, at: number): number {
  return text.slice(0, at).split('\n').length
}

function cut(text: string): string {
  return text.length > MAX_CELL ? `${text.slice(0, MAX_CELL)}…` : text
}

/** Whether a column is that of an input, as the service compares names. */
export function isSame(input: string, column: string): boolean {
  return input.toLowerCase() === column.toLowerCase()
}

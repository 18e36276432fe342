/** Summary of a table, which the form shows before the service checks the table. */
export interface Table {
  readonly format: 'CSV' | 'JSON lines' | 'JSON'
  readonly columns: readonly string[]
  readonly rows: number
  /** The first rows, by column. */
  readonly sample: readonly (readonly string[])[]
}

const SAMPLE_ROWS = 3
/** Maximum number of characters of a cell that are shown. */
const MAX_CELL = 60

/** Invalid table; the message is for users. */
export class TableError extends Error {
  override readonly name = 'TableError'
}

/**
 * Reads a table as the service will: a JSON array of objects, JSON lines, or CSV with a header.
 * @throws TableError
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
  throw new TableError(`${place} is not an object. Write values by the name of their input: {"a": 5}.`)
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
  if (rows === 0) throw new TableError('The table has no rows.')
  return rows
}

const PLAIN = /[^",\r\n]*/y
const SEPARATOR = /,|\r?\n|$/y

/** Records of a CSV (RFC 4180). Empty lines are skipped. */
function recordsOf(text: string): string[][] {
  const records: string[][] = []
  let record: string[] = []
  for (let at = 0; at < text.length; ) {
    const { value, separator, next } = fieldAt(text, at)
    at = next
    record.push(value)
    if (separator === ',' && at < text.length) continue
    if (separator === ',') record.push('')
    if (record.length > 1 || record[0] !== '') records.push(record)
    record = []
  }
  return records
}

/** A field, quoted (then with any separators and line breaks) or not, and the separator or line end after it. @throws TableError */
function fieldAt(text: string, at: number): { value: string; separator: string; next: number } {
  const isQuoted = text[at] === '"'
  const end = isQuoted ? quoteEnd(text, at) : at + (matchAt(PLAIN, text, at)?.length ?? 0)
  const separator = end === undefined ? undefined : matchAt(SEPARATOR, text, end)
  if (end === undefined || separator === undefined)
    throw new TableError(`Line ${lineOf(text, at)} has a misplaced quote.`)
  const value = isQuoted ? text.slice(at + 1, end - 1).replaceAll('""', '"') : text.slice(at, end)
  return { value, separator, next: end + separator.length }
}

/** Position after the quote that closes a field. A regular expression would overflow the stack for a field of some MiB. */
function quoteEnd(text: string, at: number): number | undefined {
  let end = text.indexOf('"', at + 1)
  while (end >= 0 && text[end + 1] === '"') end = text.indexOf('"', end + 2)
  return end < 0 ? undefined : end + 1
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

function lineOf(text: string, at: number): number {
  return text.slice(0, at).split('\n').length
}

function cut(text: string): string {
  return text.length > MAX_CELL ? `${text.slice(0, MAX_CELL)}…` : text
}

/** Whether a column belongs to an input, in any letter case. The service refuses it if two inputs differ only in case. */
export function isSame(input: string, column: string): boolean {
  return input.toLowerCase() === column.toLowerCase()
}

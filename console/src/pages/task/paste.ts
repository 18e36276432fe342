import type { ArrayType } from '../../api/types.ts'
import type { FieldValue } from './field-values.ts'

/**
 * Parses items from a pasted text: a JSON array, or CSV with an item in each cell.
 * @returns the items, or a message for the user
 */
export function parsePasted(
  type: ArrayType,
  text: string,
): readonly FieldValue[] | { readonly problem: string } {
  const trimmed = text.trim()
  if (trimmed.startsWith('[')) return parseJson(type, trimmed)
  if (type.subType.id === 'array') return { problem: 'Lists of lists must be pasted as JSON: [[1, 2], [3]].' }
  const lines = trimmed === '' ? [] : trimmed.split(/\r?\n/u)
  // GeoJSON contains commas, so a line of it is not split.
  const isWhole = type.subType.id === 'geometry'
  return lines.flatMap((line) => (isWhole ? [line] : cellsOf(line))).filter((cell) => cell !== '')
}

function parseJson(type: ArrayType, text: string): readonly FieldValue[] | { readonly problem: string } {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value)
      ? value.map((item) => toField(type.subType.id, item))
      : { problem: 'It is not a JSON array.' }
  } catch (error) {
    return { problem: `It is not JSON: ${(error as Error).message}` }
  }
}

function toField(typeId: string, value: unknown): FieldValue {
  if (Array.isArray(value)) return value.map((item) => toField(typeId, item))
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Cells of one line (RFC 4180). In a quoted cell, separators are part of the text, and a doubled quote is one quote. */
function cellsOf(line: string): string[] {
  const separator = line.includes('\t') ? '\t' : line.includes(';') && !line.includes(',') ? ';' : ','
  const cells: string[] = []
  let cell = ''
  let isQuoted = false
  for (let at = 0; at < line.length; at += 1) {
    const letter = line[at]
    if (letter === '"' && isQuoted && line[at + 1] === '"') {
      cell += '"'
      at += 1
    } else if (letter === '"') isQuoted = !isQuoted
    else if (letter === separator && !isQuoted) {
      cells.push(cell.trim())
      cell = ''
    } else cell += letter
  }
  return [...cells, cell.trim()]
}

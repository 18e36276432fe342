import type { JsonValue } from '../../contract/json.ts'
import { quoted } from '../../contract/quoted.ts'

/** Maximum number of UTF-16 units of a value in a message. */
const MAX_VALUE_LENGTH = 60

/** Formats a value for messages: texts are quoted, cut and escaped; lists and objects are named by their kind. */
export function shown(value: JsonValue): string {
  if (typeof value === 'string') return quoted(value, MAX_VALUE_LENGTH)
  if (typeof value !== 'object' || value === null) return String(value)
  return Array.isArray(value) ? `a list of ${counted(value.length, 'item')}` : 'an object'
}

/** `1 item`, `3 items` */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

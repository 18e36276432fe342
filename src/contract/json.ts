import { printable } from './quoted.ts'

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

/** Names and indexes from the outermost value to an inner one. */
type JsonPath = readonly (string | number)[]

/** Maximum number of names of a place in a message. */
const MAX_PLACE_NAMES = 10

/** A text in JSON that is no Unicode text: it has half of a surrogate pair, which neither UTF-8 nor DynamoDB can express. */
export class LoneSurrogateError extends SyntaxError {
  override readonly name = 'LoneSurrogateError'
  /** Place of the text; of a name, the place of its value. */
  readonly path: JsonPath

  constructor(text: string, path: JsonPath) {
    super(
      `${JSON.stringify(text.slice(0, 60))} has half of a surrogate pair; write each character as a whole`,
    )
    this.path = path
  }

  /** The message with the place, such as `shared.a: …`. */
  get words(): string {
    const { path, message } = this
    if (path.length === 0) return message
    const more = path.length > MAX_PLACE_NAMES ? '…' : ''
    return `${printable(path.slice(0, MAX_PLACE_NAMES).join('.'), 60)}${more}: ${message}`
  }
}

/** Escape of half a surrogate pair. Bytes in UTF-8 contain none, so a lone one can only be escaped. */
const SURROGATE_ESCAPE = /\\ud[89a-f]/iu

/**
 * Parses JSON.
 * @throws SyntaxError
 * @throws LoneSurrogateError
 */
export function parseJson(text: string): JsonValue {
  const value = JSON.parse(text) as JsonValue
  if (SURROGATE_ESCAPE.test(text)) requireWellFormed(value)
  return value
}

/** Does not recurse: a document may be nested more deeply than the stack. */
function requireWellFormed(document: JsonValue): void {
  const path: (string | number)[] = []
  const open = [entriesOf([document])]
  for (let entries = open[0]; entries !== undefined; entries = open.at(-1)) {
    const next = entries.next()
    if (next.done === true) {
      open.pop()
      path.pop()
      continue
    }
    const [key, value] = next.value
    path.push(key)
    // The document is the only entry of the outermost list.
    if (isMalformed(key)) throw new LoneSurrogateError(key, path.slice(1))
    if (isMalformed(value)) throw new LoneSurrogateError(value, path.slice(1))
    if (value === null || typeof value !== 'object') path.pop()
    else open.push(entriesOf(value))
  }
}

function entriesOf(value: JsonValue & object): Iterator<readonly [string | number, JsonValue]> {
  return Array.isArray(value) ? value.entries() : Object.entries(value).values()
}

function isMalformed(value: JsonValue): value is string {
  return typeof value === 'string' && !value.isWellFormed()
}

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

/** A text in JSON that is no Unicode text: it has half of a surrogate pair, which neither UTF-8 nor DynamoDB can express. */
export class LoneSurrogateError extends SyntaxError {
  override readonly name = 'LoneSurrogateError'
}

/** Escape of half a surrogate pair. Bytes in UTF-8 contain none, so a lone one can only be escaped. */
const SURROGATE_ESCAPE = /\\ud[89a-f]/iu

/**
 * Parses JSON.
 * @throws SyntaxError
 * @throws LoneSurrogateError
 */
export function parseJson(text: string): JsonValue {
  if (!SURROGATE_ESCAPE.test(text)) return JSON.parse(text) as JsonValue
  return JSON.parse(text, (key, value: unknown) => {
    requireWellFormed(key)
    if (typeof value === 'string') requireWellFormed(value)
    return value
  }) as JsonValue
}

function requireWellFormed(text: string): void {
  if (text.isWellFormed()) return
  throw new LoneSurrogateError(
    `${JSON.stringify(text.slice(0, 60))} has half of a surrogate pair; write each character as a whole`,
  )
}

import type { Context } from 'hono'
import { DomainError, type ErrorName } from '../../src/contract/errors.ts'
import { type JsonValue, LoneSurrogateError, parseJson } from '../../src/contract/json.ts'

/** `fatal`: invalid bytes are refused instead of replaced by U+FFFD. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

const WORDS = 'the body is not JSON in UTF-8; expected a document such as {"value": 5}'

/**
 * Parses the body as JSON, whatever its content type.
 * @throws DomainError `error` when it is not JSON in UTF-8, or has a text that is not Unicode
 */
export async function readJson(context: Context, error: ErrorName): Promise<JsonValue> {
  try {
    return parseJson(utf8.decode(await context.req.arrayBuffer()))
  } catch (cause) {
    const words = cause instanceof LoneSurrogateError ? cause.words : WORDS
    throw new DomainError(error, undefined, { cause, words })
  }
}

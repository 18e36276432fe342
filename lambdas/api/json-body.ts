import type { Context } from 'hono'
import { DomainError, type ErrorName } from '../../src/contract/errors.ts'
import type { JsonValue } from '../../src/contract/json.ts'

/** `fatal`: invalid bytes are rejected instead of replaced by U+FFFD. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

const WORDS = 'the body is not JSON in UTF-8; expected a document such as {"value": 5}'

/**
 * Parses the body as JSON, whatever its content type.
 * @throws DomainError `error` when it is not JSON in UTF-8
 */
export async function readJson(context: Context, error: ErrorName): Promise<JsonValue> {
  try {
    return JSON.parse(utf8.decode(await context.req.arrayBuffer())) as JsonValue
  } catch (cause) {
    throw new DomainError(error, undefined, { cause, words: WORDS })
  }
}

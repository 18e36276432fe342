import type { Context } from 'hono'
import { DomainError, type ErrorName } from '../../src/domain/errors.ts'
import type { JsonValue } from '../../src/domain/json.ts'

/**
 * The request's body as JSON, whatever its content type says.
 * @throws DomainError `error` when it is none
 */
export async function readJson(context: Context, error: ErrorName): Promise<JsonValue> {
  try {
    return (await context.req.json()) as JsonValue
  } catch (cause) {
    throw new DomainError(error, { type: 'empty' }, { cause })
  }
}

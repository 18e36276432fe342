import type { Context } from 'hono'
import * as z from 'zod'
import { type JsonValue, LoneSurrogateError } from '../../../src/contract/json.ts'
import { MAX_CONCURRENCY } from '../../../src/contract/run-set-limits.ts'
import { RowError } from '../../../src/run-set/row-table.ts'
import { readJson } from '../json-body.ts'

const MAX_NAME_LENGTH = 200

/** Rows and values are checked later, row by row; unknown keys are ignored, as everywhere. */
export const newRunSetSchema = z.object({
  name: z.string().max(MAX_NAME_LENGTH).optional(),
  task: z.object({ namespace: z.string(), version: z.string() }).optional(),
  taskId: z.string().optional(),
  shared: z.custom<JsonValue>().optional(),
  rows: z.union([z.array(z.custom<JsonValue>()), z.object({ uploadId: z.string() })]),
  maxConcurrency: z.int().min(1).max(MAX_CONCURRENCY).optional(),
  reuse: z.boolean().optional(),
})

/**
 * Parses the body of a request for a set. Names row and column of a text that is not Unicode.
 * @throws DomainError RUN_SET_INVALID
 */
export async function readSetBody(context: Context): Promise<JsonValue> {
  try {
    return await readJson(context, 'RUN_SET_INVALID')
  } catch (error) {
    const { cause } = error as Error
    if (!(cause instanceof LoneSurrogateError)) throw error
    const [field, index, ...path] = cause.path
    throw field === 'rows' && typeof index === 'number' ? new RowError(index + 1, path, cause) : error
  }
}

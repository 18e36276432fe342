import * as z from 'zod'
import type { JsonValue } from '../../../src/contract/json.ts'
import { MAX_CONCURRENCY } from '../../../src/contract/run-set-limits.ts'

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

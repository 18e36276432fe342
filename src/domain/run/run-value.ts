import { z } from 'zod'
import type { ParameterTypeId } from '../task/task.ts'

/** Upper-cased parameter types, as run values carry them. */
const runValueTypes = [
  'BOOLEAN',
  'INTEGER',
  'NUMBER',
  'STRING',
  'ENUMERATION',
  'DATETIME',
  'GEOMETRY',
  'IMAGE',
  'FILE',
  'ARRAY',
] as const satisfies readonly Uppercase<ParameterTypeId>[]

/** One entry of the listings of inputs and outputs, keys in the contract's order (http-api 6.3). */
export const runValueSchema = z.object({
  taskRunId: z.string(),
  parameterName: z.string(),
  type: z.enum(runValueTypes),
  value: z.json(),
})
export type RunValue = z.infer<typeof runValueSchema>

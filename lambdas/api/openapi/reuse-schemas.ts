import * as z from 'zod'
import { NOT_REUSED_REASONS } from '../../../src/run/not-reused-reasons.ts'
import { component } from './components.ts'
import { uuid } from './shared-schemas.ts'

/** Whether and from which run the outputs of a run were taken. */
export const reuseShape = {
  reusedFrom: uuid
    .optional()
    .describe('The run that computed the outputs, where this one took them instead of being executed.'),
  notReused: component(
    'NotReused',
    z.strictObject({ reason: z.enum(NOT_REUSED_REASONS), message: z.string() }),
  )
    .optional()
    .describe('Why a run was executed although it was to take the outputs of an equal one.'),
}

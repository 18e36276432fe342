import * as z from 'zod'
import { NOT_REUSED_REASONS } from '../../../src/run/not-reused-reasons.ts'
import { component } from './components.ts'
import { uuid } from './shared-schemas.ts'

/** Whether and from which run the outputs of a run were taken. */
export const reuseShape = {
  reusedFrom: uuid
    .exactOptional()
    .describe('Id of the run whose outputs this run took instead of being executed.'),
  notReused: component(
    'NotReused',
    z.strictObject({ reason: z.enum(NOT_REUSED_REASONS), message: z.string() }),
  )
    .exactOptional()
    .describe('Why the run was executed instead of taking the outputs of an equal run.'),
}

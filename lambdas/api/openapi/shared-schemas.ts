import * as z from 'zod'
import type { Immutable } from '../../../src/contract/immutable.ts'
import { UUID } from '../../../src/contract/uuid.ts'
import { component } from './components.ts'

/** In lower case, as the routes require; zod's own UUID accepts both cases. */
export const uuid = component(
  'Uuid',
  z
    .string()
    .regex(new RegExp(`^${UUID}$`, 'u'))
    .meta({ format: 'uuid' }),
)

/** http-api 1.3 */
export const instant = component(
  'Instant',
  z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/u)
    .meta({ format: 'date-time', description: 'ISO-8601 in UTC.' }),
)

/** The explanation in the form that core reads. */
const explainedBy = () =>
  z
    .array(errorBody)
    .exactOptional()
    .describe("The explanation as one entry, in the field that core's page shows.")

const errorDetails = component(
  'ErrorDetails',
  z
    .discriminatedUnion('type', [
      component(
        'EmptyDetails',
        z.strictObject({
          type: z.literal('empty'),
          get errors() {
            return explainedBy()
          },
        }),
      ),
      component(
        'ParameterDetails',
        z.strictObject({ type: z.literal('parameter'), parameterName: z.string() }),
      ),
      component(
        'RelatedDetails',
        z.strictObject({
          type: z.literal('related'),
          parameterName: z.string(),
          description: z.string(),
          get errors() {
            return explainedBy()
          },
        }),
      ),
      component(
        'BatchDetails',
        z.strictObject({
          type: z.literal('batch'),
          get errors() {
            return z.array(errorBody).describe('Several errors.')
          },
        }),
      ),
      component(
        'ServerDetails',
        z.strictObject({
          type: z.literal('server'),
          exceptionMessage: z
            .string()
            .nullable()
            .describe('`request <id>`, to be found in the log; or the reason, when it is known.'),
          get errors() {
            return explainedBy()
          },
        }),
      ),
    ])
    .describe('Always present, except in responses with status 403.'),
)

const errorCode = z
  .string()
  .regex(/^APPE-/u)
  .describe('Stable; several errors may share a code.')
const message = z.string().describe('A sentence for users.')

const explanation = z
  .string()
  .exactOptional()
  .describe('What is wrong with which value, and what was expected; present where `message` is fixed.')

/** Keys of every error except a 403. */
export const errorShape = { errorCode, message, details: errorDetails, explanation }

/** http-api 3.1 */
export const errorBody = component('Error', z.strictObject(errorShape))

/** http-api 3.1: error of a 403. */
export const twoKeyError = component(
  'TwoKeyError',
  z
    .strictObject({ errorCode, message, details: errorDetails.exactOptional() })
    .describe('The error of a 403, with details only where its message is fixed.'),
)

/** Error of any status: some keys are absent if the status is 403. */
export type ErrorBody = Immutable<z.output<typeof twoKeyError> & Partial<z.output<typeof errorBody>>>

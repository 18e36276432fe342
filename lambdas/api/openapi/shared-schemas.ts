import * as z from 'zod'
import { component, taggedUnion } from './components.ts'

/** In lower case, as the routes require; zod's own UUID accepts both cases. */
export const uuid = component(
  'Uuid',
  z
    .string()
    .regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u)
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

const errorList = z.array(z.lazy((): z.ZodType => errorBody))

const explainedBy = {
  errors: errorList
    .exactOptional()
    .describe("The explanation in the field that core's page shows: one entry."),
}

const errorDetails = taggedUnion(
  'ErrorDetails',
  { key: 'type', suffix: 'Details', description: 'Always present, except in answers with status 403.' },
  {
    empty: explainedBy,
    parameter: { parameterName: z.string() },
    related: { parameterName: z.string(), description: z.string(), ...explainedBy },
    batch: { errors: errorList.describe('Several errors.') },
    server: {
      exceptionMessage: z.string().nullable().describe('Names the request id for the log.'),
      ...explainedBy,
    },
  },
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
export const errorBody: z.ZodType = component('Error', z.strictObject(errorShape))

/** http-api 3.1: error of a 403. */
export const twoKeyError = component(
  'TwoKeyError',
  z
    .strictObject({ errorCode, message, details: errorDetails.exactOptional() })
    .describe('The error of a 403, with details only where its message is fixed.'),
)

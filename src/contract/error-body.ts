import * as z from 'zod'
import type { Immutable } from './immutable.ts'

const errorDetailsSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('empty'),
    get errors() {
      return shownErrors
    },
  }),
  z.object({ type: z.literal('parameter'), parameterName: z.string() }),
  z.object({
    type: z.literal('related'),
    parameterName: z.string(),
    description: z.string(),
    get errors() {
      return shownErrors
    },
  }),
  z.object({
    type: z.literal('batch'),
    get errors() {
      return z.array(errorBodySchema)
    },
  }),
  z.object({
    type: z.literal('server'),
    exceptionMessage: z.string().nullable(),
    get errors() {
      return shownErrors
    },
  }),
])

/** The body of every error response, keys in this order (http-api 3.1). */
export const errorBodySchema = z.object({
  errorCode: z.string(),
  message: z.string(),
  get details() {
    return errorDetailsSchema
  },
  /** The explanation: which value is wrong, and what was expected. Present if `message` is fixed and does not contain it. */
  explanation: z.string().exactOptional(),
})
export type ErrorBody = Immutable<z.infer<typeof errorBodySchema>>

/** Explanations that core's page shows beside the message; `explained` (errors.ts) adds them. */
const shownErrors = z.array(errorBodySchema).exactOptional()

/** `details` of the contract, discriminated by `type` (http-api 3.1). */
export type ErrorDetails = ErrorBody['details']

import * as z from 'zod'
import type { Immutable } from '../../../src/contract/immutable.ts'
import { component } from './components.ts'
import { uuid } from './shared-schemas.ts'

/** http-api 6.1 */
export const taskDescription = component(
  'TaskDescription',
  z.strictObject({
    id: uuid.describe('New for every upload.'),
    name: z.string(),
    namespace: z.string(),
    version: z.string().describe('A semantic version.'),
    description: z.string().nullable(),
    authors: z.array(
      component(
        'Author',
        z.strictObject({
          firstName: z.string(),
          lastName: z.string(),
          organization: z.string(),
          email: z.string(),
          isContact: z.boolean(),
        }),
      ),
    ),
  }),
)
export type TaskDescription = Immutable<z.output<typeof taskDescription>>

const descriptorWarning = component(
  'DescriptorWarning',
  z.strictObject({
    message: z.string().describe('The path of the key, the key that was probably meant, and the position.'),
    line: z.int().min(1),
    column: z.int().min(1),
  }),
)
/** A key of a descriptor that has no effect. */
export type DescriptorWarning = Immutable<z.output<typeof descriptorWarning>>

export const descriptorWarnings = z
  .array(descriptorWarning)
  .describe('Keys of the descriptor without effect, in the order of the text; usually empty.')

/** http-api 5.2, and the warnings, which are an extension of the contract. */
export const importedTask = component(
  'ImportedTask',
  z.strictObject({ ...taskDescription.shape, warnings: descriptorWarnings }),
)
export type ImportedTask = Immutable<z.output<typeof importedTask>>

/** Bounds of integer and number; all that are set apply. */
function bounds<Bound extends z.ZodType>(bound: Bound) {
  const optional = bound.exactOptional()
  return { gt: optional, geq: optional, lt: optional, leq: optional }
}

const size = z.int().nonnegative()
const formats = z.array(z.string()).nullable().describe('null for any format.')

/** http-api 6.2 */
const parameterType = component(
  'ParameterType',
  z
    .discriminatedUnion('id', [
      component('BooleanType', z.strictObject({ id: z.literal('boolean') })),
      component('IntegerType', z.strictObject({ id: z.literal('integer'), ...bounds(z.int()) })),
      component(
        'NumberType',
        z.strictObject({
          id: z.literal('number'),
          ...bounds(z.number()),
          infinityAllowed: z.boolean(),
          nanAllowed: z.boolean(),
        }),
      ),
      component(
        'StringType',
        z.strictObject({ id: z.literal('string'), minLength: size, maxLength: size.exactOptional() }),
      ),
      component(
        'EnumerationType',
        z.strictObject({ id: z.literal('enumeration'), values: z.array(z.string()) }),
      ),
      component(
        'DatetimeType',
        z.strictObject({
          id: z.literal('datetime'),
          before: z.string().exactOptional().describe('ISO-8601 instant, inclusive.'),
          after: z.string().exactOptional().describe('ISO-8601 instant, inclusive.'),
        }),
      ),
      component('GeometryType', z.strictObject({ id: z.literal('geometry') })),
      component('ImageType', z.strictObject({ id: z.literal('image'), formats })),
      component('FileType', z.strictObject({ id: z.literal('file'), formats })),
      component(
        'ArrayType',
        z.strictObject({
          id: z.literal('array'),
          minSize: size.exactOptional(),
          maxSize: size.exactOptional(),
          get subType() {
            return parameterType
          },
        }),
      ),
    ])
    .describe('Type of a parameter with its constraints; absent ones are not set.'),
)
export type ParameterType = Immutable<z.output<typeof parameterType>>

const parameterId = uuid.describe('Constant for the lifetime of the task.')
const parameterName = z.string().describe('File name in the container.')

/** http-api 5.4 */
export const taskInput = component(
  'TaskInput',
  z.strictObject({
    id: parameterId,
    default: z.string().describe('A value of any type as text; the text `null` when there is none.'),
    name: parameterName,
    display_name: z.string().describe('Spelled with an underscore in inputs only.'),
    description: z.string(),
    optional: z.boolean(),
    type: parameterType,
  }),
)
export type TaskInput = Immutable<z.output<typeof taskInput>>

/** http-api 5.5 */
export const taskOutput = component(
  'TaskOutput',
  z.strictObject({
    id: parameterId,
    name: parameterName,
    displayName: z.string(),
    description: z.string(),
    optional: z.boolean(),
    type: parameterType,
    derivedFrom: z.string().nullable().describe('Name of the input that the output derives from.'),
  }),
)
export type TaskOutput = Immutable<z.output<typeof taskOutput>>

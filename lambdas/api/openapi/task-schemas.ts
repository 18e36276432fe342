import * as z from 'zod'
import { component, taggedUnion } from './components.ts'
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

/** Keys of a descriptor that have no effect. */
export const descriptorWarnings = z
  .array(
    component(
      'DescriptorWarning',
      z.strictObject({
        message: z.string().describe('The path of the key, what was probably meant, and the position.'),
        line: z.int().min(1),
        column: z.int().min(1),
      }),
    ),
  )
  .describe('Keys of the descriptor without effect, in the order of the text; usually empty.')

/** http-api 5.2, and the warnings, which are an extension of the contract. */
export const importedTask = component(
  'ImportedTask',
  z.strictObject({ ...taskDescription.shape, warnings: descriptorWarnings }),
)

/** Bounds of integer and number; all that are set apply. */
function bounds(bound: z.ZodType): z.ZodRawShape {
  return { gt: bound.optional(), geq: bound.optional(), lt: bound.optional(), leq: bound.optional() }
}

const size = z.int().nonnegative()
const formats = z.array(z.string()).nullable().describe('null for any format.')
const itemType = z.lazy((): z.ZodType => parameterType)

/** http-api 6.2 */
const parameterType = taggedUnion(
  'ParameterType',
  {
    key: 'id',
    suffix: 'Type',
    description: 'Type of a parameter with its constraints; absent ones are not set.',
  },
  {
    boolean: {},
    integer: bounds(z.int()),
    number: { ...bounds(z.number()), infinityAllowed: z.boolean(), nanAllowed: z.boolean() },
    string: { minLength: size, maxLength: size.optional() },
    enumeration: { values: z.array(z.string()) },
    datetime: {
      before: z.string().optional().describe('ISO-8601 instant, inclusive.'),
      after: z.string().optional().describe('ISO-8601 instant, inclusive.'),
    },
    geometry: {},
    image: { formats },
    file: { formats },
    array: { minSize: size.optional(), maxSize: size.optional(), subType: itemType },
  },
)

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

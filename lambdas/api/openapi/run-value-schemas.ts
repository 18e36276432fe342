import * as z from 'zod'
import type { Immutable } from '../../../src/contract/immutable.ts'
import type { ParameterTypeId } from '../../../src/task/task.ts'
import { component } from './components.ts'
import { uuid } from './shared-schemas.ts'

const upperCaseType = component(
  'RunValueType',
  z.enum({
    BOOLEAN: 'BOOLEAN',
    INTEGER: 'INTEGER',
    NUMBER: 'NUMBER',
    STRING: 'STRING',
    ENUMERATION: 'ENUMERATION',
    DATETIME: 'DATETIME',
    GEOMETRY: 'GEOMETRY',
    IMAGE: 'IMAGE',
    FILE: 'FILE',
    ARRAY: 'ARRAY',
  } as const satisfies { readonly [Type in Uppercase<ParameterTypeId>]: Type }),
)

/** Keys beside a truncated string in a listing. */
const cut = {
  truncated: z
    .literal(true)
    .exactOptional()
    .describe(
      'The value is the beginning of the string, and an ellipsis. Listings contain strings up to 1 MiB, and up to 8 MiB ' +
        'of JSON together, completely.',
    ),
  sizeBytes: z.int().exactOptional().describe('Of a truncated string: size of its file.'),
  href: z
    .string()
    .exactOptional()
    .describe('Of a truncated string: path of its file, relative to the base address.'),
}

const number = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])])
const index = z.int().nonnegative()

const arrayItem = component(
  'ArrayItem',
  z.strictObject({
    index,
    value: z
      .union([z.boolean(), z.number(), z.string()])
      .exactOptional()
      .describe('Absent for images and files.'),
    ...cut,
  }),
)

/** A copy for each use: a shared recursive schema would become a component without a name. */
const items = () => z.array(z.union([arrayItem, innerArray])).describe('By ascending index.')

const innerArray = component(
  'InnerArray',
  z.strictObject({
    index,
    taskRunId: uuid,
    parameterName: z.string().describe('Name of the parameter, `/`, index path.'),
    type: z.literal('ARRAY'),
    get value() {
      return items()
    },
    subType: upperCaseType,
  }),
)
/** Array as an item of an array; other items have no type. */
export type InnerArray = Immutable<z.output<typeof innerArray>>
export type ArrayItem = Immutable<z.output<typeof arrayItem>> | InnerArray

const common = { taskRunId: uuid, parameterName: z.string() }
const bytes = { ...common, value: z.null().describe('The content is a separate download.') }

/** http-api 6.3 */
export const runValue = component(
  'RunValue',
  z
    .discriminatedUnion('type', [
      component(
        'BooleanValue',
        z.strictObject({ type: z.literal('BOOLEAN'), ...common, value: z.boolean() }),
      ),
      component('IntegerValue', z.strictObject({ type: z.literal('INTEGER'), ...common, value: z.int() })),
      component('NumberValue', z.strictObject({ type: z.literal('NUMBER'), ...common, value: number })),
      component(
        'StringValue',
        z.strictObject({ type: z.literal('STRING'), ...common, value: z.string(), ...cut }),
      ),
      component(
        'EnumerationValue',
        z.strictObject({ type: z.literal('ENUMERATION'), ...common, value: z.string(), ...cut }),
      ),
      component(
        'DatetimeValue',
        z.strictObject({
          type: z.literal('DATETIME'),
          ...common,
          value: z.string().describe('ISO-8601 instant.'),
        }),
      ),
      component(
        'GeometryValue',
        z.strictObject({
          type: z.literal('GEOMETRY'),
          ...common,
          value: z.string().describe('GeoJSON as text.'),
        }),
      ),
      component('ImageValue', z.strictObject({ type: z.literal('IMAGE'), ...bytes })),
      component('FileValue', z.strictObject({ type: z.literal('FILE'), ...bytes })),
      component(
        'ArrayValue',
        z.strictObject({
          type: z.literal('ARRAY'),
          ...common,
          value: items(),
          subType: upperCaseType.describe('Type of the items.'),
        }),
      ),
    ])
    .describe('An input or output of a run.'),
)
export type RunValue = Immutable<z.output<typeof runValue>>

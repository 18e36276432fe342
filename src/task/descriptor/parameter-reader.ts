import * as z from 'zod'
import { DomainError } from '../../contract/errors.ts'
import type { JsonValue } from '../../contract/json.ts'
import { isParameterName } from '../../contract/names.ts'
import { codecOf } from '../parameters/registry.ts'
import type { ParameterType, ParameterTypeId } from '../task.ts'
import { type DescriptorPath, type Finding, findingsOf, must, mustMessage } from './descriptor-problem.ts'
import { keysOf, MERGE_KEY } from './known-keys.ts'
import { integer, parameterTypeSchema } from './parameter-type-schema.ts'
import type { Wanted } from './yaml11-keys.ts'

/** Inputs and outputs are separate name spaces, so the kind is a part of every key. */
export type ParameterKind = 'inputs' | 'outputs'

/** One parameter of a descriptor; parts that could not be read are undefined and have a finding. */
export interface ReadParameter {
  readonly kind: ParameterKind
  readonly name: string
  readonly type: ParameterType | undefined
  readonly fields: z.infer<typeof fieldsSchema> | undefined
  readonly default: JsonValue | undefined
  readonly findings: readonly Finding[]
}

const NAME =
  'a name of letters, digits and "_", at most 247 characters, and not a reserved word of JavaScript'

const reference = z
  .string(must('a reference such as inputs/image'))
  .meta({ pattern: '^(inputs|outputs)/[a-zA-Z0-9_]+$' })

const dependenciesSchema = z.object(
  {
    derived_from: reference
      .meta({ description: 'Input from which the output was made: inputs/<name>.' })
      .exactOptional(),
    matching: z
      .array(reference, must('a list of references'))
      .meta({ description: 'Arrays that have as many items as this one.' })
      .exactOptional(),
  },
  must('a mapping'),
)

/** A parameter without its type and default. */
export const fieldsSchema = z.object(
  {
    display_name: z
      .string(must('a text that is not empty'))
      .refine((text) => text !== '', must('a text that is not empty'))
      .meta({ minLength: 1, description: 'Name in forms. Default: the name of the parameter.' })
      .exactOptional(),
    description: z.string(must('a text')).meta({ description: 'What the parameter is for.' }),
    optional: z
      .boolean(must('true or false'))
      .meta({ description: 'Whether an input may be left empty, or an output left out.' })
      .default(false),
    dependencies: dependenciesSchema.exactOptional(),
  },
  must('a mapping with type and description'),
)

const text = z.string(must('a text'))

/** JSON kind of the default of each type; for other types a default is ignored. */
export const DEFAULT_SCHEMAS: { readonly [Id in ParameterTypeId]?: z.ZodType<boolean | number | string> } = {
  boolean: z.boolean(must('true or false')),
  integer,
  number: z.number(must('a number')),
  string: text,
  enumeration: text,
  datetime: text,
}

/** Types whose inputs have defaults. */
export const DEFAULT_TYPES: readonly string[] = Object.keys(DEFAULT_SCHEMAS)

export const PARAMETER_KEYS: readonly string[] = [...keysOf(fieldsSchema), 'type', 'default']

/** Keys of `dependencies`. */
export const DEPENDENCY_KEYS: readonly string[] = keysOf(dependenciesSchema)

/** Types whose defaults are not read as text. */
const WANTED_DEFAULTS: { readonly [Id in ParameterTypeId]?: Wanted } = {
  boolean: 'boolean',
  integer: 'number',
  number: 'number',
}

/** Reads a scalar as the expected type. */
type ReadAs = (path: DescriptorPath, value: unknown, wanted: Wanted) => unknown

/** Reads one entry of `inputs` or `outputs`. Type, default and other fields report their problems separately. */
export function readParameter(
  path: readonly [kind: ParameterKind, name: string],
  value: unknown,
  readAs: ReadAs,
): ReadParameter {
  const [kind, name] = path
  if (name === MERGE_KEY) {
    const message = 'must be replaced by the parameters themselves: YAML 1.2 has no merge keys'
    return {
      kind,
      name,
      type: undefined,
      fields: undefined,
      default: undefined,
      findings: [{ path, message }],
    }
  }
  const findings: Finding[] = []
  if (!isParameterName(name)) findings.push({ path, message: `must have ${NAME}` })
  const fields = fieldsSchema.safeParse(value)
  if (!fields.success) findings.push(...findingsOf(fields.error, path))
  // A value that is not a mapping has one finding already.
  if (!isMapping(value)) {
    return { kind, name, type: undefined, fields: undefined, default: undefined, findings }
  }

  const type = parameterTypeSchema.safeParse(value.type)
  if (!type.success) findings.push(...findingsOf(type.error, [...path, 'type']))
  let defaultValue: JsonValue | undefined
  if (kind === 'inputs' && type.success && value.default !== undefined) {
    const defaultPath = [...path, 'default']
    const wanted = WANTED_DEFAULTS[type.data.id] ?? 'text'
    const read = readDefault(type.data, readAs(defaultPath, value.default, wanted), defaultPath)
    if ('message' in read) findings.push(read)
    else defaultValue = read.value
  }
  return { kind, name, type: type.data, fields: fields.data, default: defaultValue, findings }
}

function isMapping(value: unknown): value is { readonly type?: unknown; readonly default?: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Checks that the input would accept the default from a client. */
function readDefault(
  type: ParameterType,
  value: unknown,
  path: DescriptorPath,
): Finding | { readonly value: JsonValue | undefined } {
  const schema = DEFAULT_SCHEMAS[type.id]
  const codec = codecOf(type)
  if (schema === undefined || codec === undefined) return { value: undefined }
  const parsed = schema.safeParse(value)
  if (!parsed.success)
    return findingsOf(parsed.error, path)[0] ?? { path, message: mustMessage('valid', value) }
  try {
    return { value: codec.provision(parsed.data, type, String(path[1])).value }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return {
      path,
      message: `must be a value that the parameter accepts: ${error.explanation ?? error.message}`,
    }
  }
}

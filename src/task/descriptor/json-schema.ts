import * as z from 'zod'
import { NAME_PATTERNS } from '../../contract/names.ts'
import type { ParameterTypeId } from '../task.ts'
import { descriptorSchema } from './descriptor-schema.ts'
import { DEFAULT_SCHEMAS, fieldsSchema, type ParameterKind } from './parameter-reader.ts'
import { TYPE_SCHEMAS } from './parameter-type-schema.ts'

/*
 * JSON schema of descriptor.yml for editors, generated from the service's own schemas. Stricter than the service in one point: keys
 * without effect are errors, where the service warns.
 */

type JsonSchema = z.core.JSONSchema.JSONSchema
type Properties = Record<string, JsonSchema>

/** Keys that authors add for their own use, and `$comment`. */
const OWN_KEYS = '^(\\$|x-)'

const TYPE_IDS = Object.keys(TYPE_SCHEMAS) as readonly ParameterTypeId[]

const TYPE_WORDS: Readonly<Record<ParameterTypeId, string>> = {
  boolean: 'true or false.',
  integer: 'A whole number; bounds gt, geq, lt, leq.',
  number: 'A decimal number; bounds gt, geq, lt, leq; nan and inf where allowed.',
  string: 'A text of any number of lines; lengths in characters.',
  enumeration: 'One of the values.',
  datetime: 'A point in time with zone, such as 2024-02-23T18:00:00Z.',
  geometry: 'One GeoJSON geometry or feature, in pixels.',
  image: 'An image file, or a folder of DICOM files (wsidicom).',
  file: 'Any file.',
  array: 'A list of values of one type (subtype); a folder in the container.',
}

/** Types without a required constraint, which have a short form. */
const SHORT_FORMS = TYPE_IDS.filter((id) => TYPE_SCHEMAS[id].safeParse({ id }).success)

/** Text of the JSON schema, as docs/task.schema.json has it. */
export function taskJsonSchema(): string {
  const { $schema: version, ...root } = jsonSchemaOf(descriptorSchema)
  const properties = root.properties as Properties
  const schema: JsonSchema = {
    ...(version !== undefined && { $schema: version }),
    title: 'Task descriptor of Cytomine',
    ...strict(root),
    properties: {
      ...properties,
      // The Java service requires it.
      name_short: { type: 'string', description: 'Short name; not used.' },
      configuration: configurationOf(properties.configuration ?? {}),
      inputs: parametersOf('inputs'),
      outputs: parametersOf('outputs'),
    },
    definitions: { type: anyType(), ...parameterDefinitions() },
  }
  return `${JSON.stringify(strictBelow(schema), null, 2)}\n`
}

function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', target: 'draft-7', unrepresentable: 'any' })
}

function strict(schema: JsonSchema): JsonSchema {
  return { ...schema, additionalProperties: false, patternProperties: { [OWN_KEYS]: {} } }
}

/** Makes every mapping with known keys strict. Parts of a parameter (`allOf`) know only some of its keys. */
function strictBelow(schema: JsonSchema): JsonSchema {
  const isMapping = schema.type === 'object' && schema.properties !== undefined
  const entries = Object.entries(isMapping ? strict(schema) : schema)
  return Object.fromEntries(entries.map(([key, value]) => [key, key === 'allOf' ? value : nested(value)]))
}

function nested(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(nested)
  return typeof value === 'object' && value !== null ? strictBelow(value as JsonSchema) : value
}

/** Adds the short form of the image, which is the path of its file, and the memory in the form that authors write. */
function configurationOf(configuration: JsonSchema): JsonSchema {
  const { image, resources, ...rest } = configuration.properties as Properties
  const options = (image?.anyOf ?? []) as JsonSchema[]
  const { default: _, ...plain } = resources ?? {}
  const ram = {
    ...(plain.properties?.ram as JsonSchema),
    description: 'Memory that a run gets, such as 4Gi.',
  }
  return {
    ...configuration,
    properties: {
      ...rest,
      image: { anyOf: [...options, { type: 'string', description: 'The image archive in the bundle.' }] },
      resources: { ...plain, properties: { ...plain.properties, ram } },
    },
  }
}

function parametersOf(kind: ParameterKind): JsonSchema {
  const { pattern, maxLength } = NAME_PATTERNS.parameter
  return {
    type: 'object',
    description: `The ${kind} of the task, by name. In the container, the file has this name.`,
    propertyNames: { pattern, maxLength },
    additionalProperties: { $ref: `#/definitions/${kind}` },
  }
}

/** Short form, or long form with constraints. */
function anyType(): JsonSchema {
  return {
    description: 'Type of the parameter.',
    oneOf: [{ enum: [...SHORT_FORMS] }, ...TYPE_IDS.map(longForm)],
  }
}

function longForm(id: ParameterTypeId): JsonSchema {
  const { $schema: _, ...schema } = jsonSchemaOf(TYPE_SCHEMAS[id])
  const properties = schema.properties as Properties
  const subtype = { $ref: '#/definitions/type' }
  return {
    ...schema,
    description: TYPE_WORDS[id],
    properties: { ...properties, ...('subtype' in properties ? { subtype } : {}) },
    ...(id === 'array' ? { required: ['id', 'subtype'] } : {}),
  }
}

function parameterDefinitions(): Record<ParameterKind, JsonSchema> {
  const { $schema: _, ...fields } = jsonSchemaOf(fieldsSchema)
  const properties = { ...fields.properties, type: { $ref: '#/definitions/type' } }
  const parameter = { ...fields, properties, required: [...(fields.required ?? []), 'type'] }
  const description = 'Value of the input when the client sends none.'
  const withDefault = { ...properties, default: { description } }
  return {
    inputs: { ...parameter, properties: withDefault, allOf: TYPE_IDS.map(defaultRule) },
    outputs: parameter,
  }
}

/** Schema of a type's default; types without defaults have none. */
function defaultRule(id: ParameterTypeId): JsonSchema {
  const schema = DEFAULT_SCHEMAS[id]
  const { $schema: _, ...kind } = schema === undefined ? {} : jsonSchemaOf(schema)
  const isLong: JsonSchema = { type: 'object', properties: { id: { const: id } }, required: ['id'] }
  const isType = { anyOf: [{ const: id }, isLong] }
  return {
    // Without `type` and `required`, the condition would also hold for a text, and for an object without a type.
    if: { properties: { type: isType }, required: ['type'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { properties: { default: schema === undefined ? false : kind } },
  }
}

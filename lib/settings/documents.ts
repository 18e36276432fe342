import * as z from 'zod'
import { settingsSchema } from '../settings.ts'

type JsonSchema = z.core.JSONSchema.JSONSchema

/** One row of the table of settings. */
type Row = readonly [setting: string, takes: string, means: string, fallback: string]

const BEGIN = '<!-- settings: written by npm run settings -->'
const END = '<!-- end of settings -->'

/** JSON schema of a settings file, for editors. Version 7 is the newest that all of them support. */
export function settingsJsonSchema(): string {
  return `${JSON.stringify(jsonSchema(), null, 2)}\n`
}

/**
 * Replaces the table of settings between the markers of a document.
 * @throws Error when it lacks the markers
 */
export function withSettingsTable(document: string): string {
  const [before, rest = ''] = document.split(BEGIN)
  const [, after] = rest.split(END)
  if (after === undefined) throw new Error(`the document has no ${BEGIN} … ${END}`)
  return `${before}${BEGIN}\n\n${settingsTable()}\n\n${END}${after}`
}

function jsonSchema(): JsonSchema {
  return z.toJSONSchema(settingsSchema, { io: 'input', target: 'draft-7' })
}

function settingsTable(): string {
  const rows: readonly Row[] = [
    ['setting', 'values', 'meaning', 'default'],
    ['---', '---', '---', '---'],
    ...rowsOf(jsonSchema(), ''),
  ]
  return rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n')
}

function rowsOf(schema: JsonSchema, path: string): Row[] {
  const options = optionsOf(schema)
  if (options !== undefined) return unionRows(options, path, schema.default)
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) =>
    rowsOfProperty(withDefault(value as JsonSchema, schema.default, key), `${path}${key}`, {
      isNeeded: schema.required?.includes(key) ?? false,
    }),
  )
}

/** The schema with the property's default from the enclosing object. */
function withDefault(schema: JsonSchema, defaults: unknown, key: string): JsonSchema {
  const value = (Object(defaults) as Record<string, JsonSchema['default']>)[key]
  return value === undefined ? schema : { ...schema, default: value }
}

function rowsOfProperty(
  schema: JsonSchema,
  name: string,
  { isNeeded, only = '' }: { readonly isNeeded: boolean; readonly only?: string },
): Row[] {
  const inner = rowsOf(schema, `${name}.`)
  const fallback = fallbackOf(schema, isNeeded)
  // An object with defaults has rows for its properties only.
  if (inner.length > 0 && (schema.default !== undefined || isNeeded)) return inner
  return [[`\`${name}\`${only}`, takes(schema), schema.description ?? '', fallback], ...inner]
}

/** Rows of a discriminated union: the discriminator's values in one row, then the properties of each object. */
function unionRows(options: readonly JsonSchema[], path: string, defaults: unknown): Row[] {
  const key = discriminatorOf(options)
  const kinds = options.map((option) => option.properties?.[key] as JsonSchema)
  const means = kinds.map(({ const: value, description }) => `${code(value)}: ${description}`).join(' ')
  const parts = options.flatMap((option, index) =>
    Object.entries(option.properties ?? {})
      .filter(([name]) => name !== key)
      .flatMap(([name, value]) =>
        rowsOfProperty(value as JsonSchema, `${path}${name}`, {
          isNeeded: option.required?.includes(name) ?? false,
          only: ` (${kinds[index]?.const})`,
        }),
      ),
  )
  const values = kinds.map(({ const: value }) => code(value)).join(', ')
  const fallback = fallbackOf(withDefault({}, defaults, key), true)
  return [[`\`${path}${key}\``, values, means, fallback], ...parts]
}

function optionsOf({ oneOf, anyOf }: JsonSchema): readonly JsonSchema[] | undefined {
  const options = (oneOf ?? anyOf) as readonly JsonSchema[] | undefined
  return options?.every(({ type }) => type === 'object') ? options : undefined
}

function discriminatorOf(options: readonly JsonSchema[]): string {
  const [first] = options
  const found = Object.entries(first?.properties ?? {}).find(([, value]) => 'const' in Object(value))
  if (found === undefined) throw new Error('objects of a union must differ in a literal')
  return found[0]
}

/** Values that a setting accepts. */
function takes(schema: JsonSchema): string {
  const { type, enum: values, items, minimum, maximum, format, examples = [] } = schema
  if (values !== undefined) return values.map(code).join(', ')
  if (type === 'array') return `list: ${takes(items as JsonSchema)}`
  if (examples.length > 0) return examples.map(code).join(', ')
  if (format === 'email') return 'e-mail address'
  if (type === 'boolean') return '`true`, `false`'
  if (type !== 'number' && type !== 'integer') return type === 'object' ? '' : 'text'
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum
  const least = minimum === undefined ? 'more than 0' : `${minimum}`
  return most === undefined ? `${least} or more` : `${least} to ${most}`
}

function fallbackOf(schema: JsonSchema, isNeeded: boolean): string {
  if (schema.default !== undefined) return code(schema.default)
  return isNeeded ? '(required)' : 'none'
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}

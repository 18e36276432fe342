import type { OpenApi, Schema } from './document.ts'

const MAX_DEPTH = 5

/** Sample body of a call: the required properties, with empty values of their types. */
export function sampleOf(document: OpenApi, schema: Schema | undefined): string {
  return JSON.stringify(sampleValue(document, schema, 0), null, 2)
}

function sampleValue(document: OpenApi, schema: Schema | undefined, depth: number): unknown {
  if (schema === undefined || depth > MAX_DEPTH) return null
  if (schema.$ref !== undefined)
    return sampleValue(document, document.components.schemas[schema.$ref.split('/').at(-1) ?? ''], depth)
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  const [option] = schema.oneOf ?? schema.anyOf ?? []
  if (option !== undefined) return sampleValue(document, option, depth + 1)
  if (schema.items !== undefined) return [sampleValue(document, schema.items, depth + 1)]
  if (schema.properties !== undefined) {
    const { properties, required = [] } = schema
    const names = required.length > 0 ? required : Object.keys(properties)
    return Object.fromEntries(names.map((name) => [name, sampleValue(document, properties[name], depth + 1)]))
  }
  const [type] = [schema.type].flat()
  return type === 'integer' || type === 'number'
    ? 0
    : type === 'boolean'
      ? false
      : type === 'string'
        ? ''
        : null
}

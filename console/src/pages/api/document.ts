/** Parts of an OpenAPI document that the page shows. */
export interface OpenApi {
  readonly info: { readonly title: string; readonly description?: string }
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationSource>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly format?: string
  readonly required?: readonly string[]
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly description?: string
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>

interface OperationSource {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description?: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>
}

export interface Operation extends OperationSource {
  readonly method: string
  readonly path: string
}

const METHODS: ReadonlySet<string> = new Set(['get', 'post', 'put', 'delete', 'patch'])

/** All operations of a tag, in the document's order. */
export function operationsOf({ paths }: OpenApi, tag: string): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) =>
      METHODS.has(method) && operation.tags.includes(tag)
        ? [{ ...operation, method: method.toUpperCase(), path }]
        : [],
    ),
  )
}

/** Maximum depth to which nested schemas are shown. */
const MAX_DEPTH = 4

/** A schema as a short text: `{ id: string, state: "A" | "B" }`. */
export function shapeOf(document: OpenApi, schema: Schema | undefined, depth = 0): string {
  if (schema === undefined) return 'anything'
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? ''
    return depth >= MAX_DEPTH ? name : shapeOf(document, document.components.schemas[name], depth)
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const options = schema.oneOf ?? schema.anyOf
  if (options !== undefined) return options.map((option) => shapeOf(document, option, depth + 1)).join(' | ')
  if (schema.items !== undefined) return `[${shapeOf(document, schema.items, depth)}]`
  if (schema.properties !== undefined) return objectShape(document, schema, depth)
  const types = [schema.type ?? 'anything'].flat().join(' | ')
  return schema.format === undefined ? types : `${types} (${schema.format})`
}

function objectShape(document: OpenApi, { properties = {}, required = [] }: Schema, depth: number): string {
  if (depth >= MAX_DEPTH) return '{…}'
  const indent = '  '.repeat(depth + 1)
  const lines = Object.entries(properties).map(
    ([name, property]) =>
      `${indent}${name}${required.includes(name) ? '' : '?'}: ${shapeOf(document, property, depth + 1)}`,
  )
  return `{\n${lines.join(',\n')}\n${'  '.repeat(depth)}}`
}

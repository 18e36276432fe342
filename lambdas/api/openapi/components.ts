import * as z from 'zod'

/** Which way a schema travels: what we take may have further keys, what we answer may not. */
export type Direction = 'input' | 'output'

/** Schemas that the document shows once, under `components`, and refers to everywhere else. */
export const COMPONENTS = new Map<z.ZodType, { readonly id: string; readonly direction: Direction }>()

/** Gives a schema its name in the document; to be called on the finished schema, for `describe` makes a copy. */
export function component<Schema extends z.ZodType>(
  id: string,
  schema: Schema,
  direction: Direction = 'output',
): Schema {
  COMPONENTS.set(schema, { id, direction })
  return schema
}

/** Where the document has a component. */
export function componentReference(id: string): string {
  return `#/components/schemas/${id}`
}

/**
 * Objects told apart by one key. Each becomes a component of its own, because OpenAPI's discriminator maps to references only.
 * @example taggedUnion('ParameterType', { key: 'id', suffix: 'Type', description }, { boolean: {} }) // has BooleanType
 */
export function taggedUnion(
  id: string,
  { key, suffix, description }: Readonly<Record<'key' | 'suffix' | 'description', string>>,
  members: Readonly<Record<string, z.ZodRawShape>>,
): z.ZodType {
  const nameOf = (tag: string): string =>
    `${tag.slice(0, 1).toUpperCase()}${tag.slice(1).toLowerCase()}${suffix}`
  const tags = Object.keys(members)
  const [first, ...others] = Object.entries(members).map(([tag, shape]) =>
    component(nameOf(tag), z.strictObject({ [key]: z.literal(tag), ...shape })),
  )
  if (first === undefined) throw new Error(`${id} has no members`)
  const mapping = Object.fromEntries(tags.map((tag) => [tag, componentReference(nameOf(tag))]))
  const union = z.discriminatedUnion(key, [first, ...others])
  return component(id, union.meta({ description, discriminator: { propertyName: key, mapping } }))
}

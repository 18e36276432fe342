import * as z from 'zod'

/** Names a schema, which the document then shows once, under `components`. `describe` would make a copy without the name. */
export function component<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  return schema.meta({ id })
}

/**
 * Objects that differ in the value of one key. Each is a component, because OpenAPI's discriminator maps to references only.
 * @example taggedUnion('ParameterType', { key: 'id', suffix: 'Type', description }, { boolean: {} }) // has BooleanType
 */
export function taggedUnion(
  id: string,
  { key, suffix, description }: Readonly<Record<'key' | 'suffix' | 'description', string>>,
  members: Readonly<Record<string, z.ZodRawShape>>,
): z.ZodType {
  const [first, ...others] = Object.entries(members).map(([tag, shape]) =>
    component(
      `${tag.slice(0, 1).toUpperCase()}${tag.slice(1).toLowerCase()}${suffix}`,
      z.strictObject({ [key]: z.literal(tag), ...shape }),
    ),
  )
  if (first === undefined) throw new Error(`${id} has no members`)
  return component(id, z.discriminatedUnion(key, [first, ...others]).describe(description))
}

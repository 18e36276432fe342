import type * as z from 'zod'

/**
 * Names a schema, which the document then shows once, under `components`. `describe` would make a copy without the name. Members of a
 * discriminated union need a name, because OpenAPI's discriminator maps to references only.
 */
export function component<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  return schema.meta({ id })
}

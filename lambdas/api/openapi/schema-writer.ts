import { z } from 'zod'
import { COMPONENTS, componentReference, type Direction } from './components.ts'

/** Writes zod schemas as JSON Schema 2020-12, which OpenAPI 3.1 uses. */
export interface SchemaWriter {
  /** The schema's place in the document: a reference for a component, else an object that {@link finish} fills. */
  write(schema: z.ZodType, direction: Direction): object
  /** Fills the objects that were handed out; returns the components by name. */
  finish(): Readonly<Record<string, object>>
}

/** One writer makes one document, for zod finds components inside other schemas only when it sees all of them at once. */
export function createSchemaWriter(): SchemaWriter {
  const inline = new Map<z.ZodType, { readonly direction: Direction; readonly target: object }>()
  return {
    write(schema, direction) {
      const known = COMPONENTS.get(schema)
      if (known !== undefined) return { $ref: componentReference(known.id) }
      const target = inline.get(schema)?.target ?? {}
      inline.set(schema, { direction, target })
      return target
    },

    finish() {
      const components: Record<string, object> = {}
      for (const direction of ['input', 'output'] as const) {
        const registry = z.registry<{ readonly id: string }>()
        for (const [schema, { id }] of COMPONENTS) registry.add(schema, { id })
        const waiting = [...inline].filter(([, one]) => one.direction === direction)
        for (const [position, [schema]] of waiting.entries()) registry.add(schema, { id: inlineId(position) })
        const { schemas } = z.toJSONSchema(registry, { io: direction, uri: componentReference })
        for (const one of COMPONENTS.values()) {
          if (one.direction === direction) components[one.id] = plain(schemas[one.id])
        }
        for (const [position, [, { target }]] of waiting.entries()) {
          Object.assign(target, plain(schemas[inlineId(position)]))
        }
      }
      return Object.fromEntries(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1)))
    },
  }
}

function inlineId(position: number): string {
  return `inline ${position}`
}

/** Without what only a schema in a file of its own needs. */
function plain(schema: object | undefined): object {
  const { $schema: _, $id: __, ...rest } = (schema ?? {}) as Readonly<Record<string, unknown>>
  return rest
}

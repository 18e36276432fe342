/** Node of the flattened JSON-LD. */
export interface Entity {
  readonly '@id': string
  readonly '@type': string
  readonly [property: string]: unknown
}

/** Reference to an entity. */
export function refTo({ '@id': id }: Entity): object {
  return { '@id': id }
}

/**
 * References to entities. As RO-Crate recommends, a single one is not in a list. Undefined when there are none; JSON omits it.
 */
export function refsTo(entities: readonly Entity[]): object | undefined {
  const refs = entities.map(refTo)
  return refs.length > 1 ? refs : refs[0]
}

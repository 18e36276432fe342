import type { ZodType } from 'zod'

/**
 * Fields of a schema of stored items: a property that is added to the type and forgotten in the schema does not compile,
 * where zod would drop it on reading.
 */
export type StoredShape<Type> = { readonly [Key in keyof Type]-?: ZodType }

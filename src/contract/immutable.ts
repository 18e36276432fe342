import type { JsonValue } from './json.ts'

/** Makes all properties of a type read-only, at any depth; for types that are inferred from a schema. */
export type Immutable<Type> = [JsonValue] extends [Type] ? Type : ImmutableObject<Type>

type ImmutableObject<Type> = Type extends readonly (infer Item)[]
  ? readonly Immutable<Item>[]
  : Type extends object
    ? { readonly [Key in keyof Type]: Immutable<Type[Key]> }
    : Type

import type { JsonValue } from './json.ts'

/** A type without assignable properties, at any depth. Makes types that are inferred from a schema read-only. */
export type Immutable<Type> = [JsonValue] extends [Type] ? Type : ImmutableObject<Type>

type ImmutableObject<Type> = Type extends readonly (infer Item)[]
  ? readonly Immutable<Item>[]
  : Type extends object
    ? { readonly [Key in keyof Type]: Immutable<Type[Key]> }
    : Type

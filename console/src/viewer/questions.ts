import type { RunValue } from '../api/types.ts'
import type { Compared } from '../pages/compare/comparison.ts'
import type { Language, Repeated } from '../pages/run/program/programs.ts'
import type { Shapes } from './shapes.ts'

/** Work of the worker, with what it needs. Addresses are those of lists of values. */
export interface Questions {
  readonly values: { readonly address: string }
  /** Undefined: the run has no values yet. */
  readonly comparison: { readonly addresses: readonly [string | undefined, string | undefined] }
  readonly programs: { readonly address: string; readonly repeated: Repeated }
}

export interface Results {
  readonly values: {
    readonly values: readonly RunValue[]
    readonly shapes: readonly (readonly [string, Shapes])[]
  }
  readonly comparison: readonly Compared[]
  readonly programs: Readonly<Record<Language, string>>
}

export type Kind = keyof Questions

export type Question = { [Of in Kind]: { readonly kind: Of } & Questions[Of] }[Kind]

/** `status` is 0 when the service did not answer. */
export type Answer<Of extends Kind> =
  | { readonly result: Results[Of] }
  | { readonly status: number; readonly body: string }

import type { ParameterType } from '../../../api/types.ts'
import type { FieldValue } from '../field-values.ts'

/** What the field of any type gets. */
export interface FieldProps {
  readonly id: string
  /** Name for people, for labels of parts. */
  readonly label: string
  /** Ids of the texts that explain it. */
  readonly describedBy: string
  readonly type: ParameterType
  readonly value: FieldValue
  readonly isOptional: boolean
  readonly isWrong: boolean
  /** Images that geometries may be drawn on. */
  readonly images: readonly File[]
  readonly onChange: (value: FieldValue) => void
}

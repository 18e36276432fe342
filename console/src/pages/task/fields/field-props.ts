import type { ParameterType } from '../../../api/types.ts'
import type { FieldValue } from '../field-values.ts'

/** Properties of a field of any type. */
export interface FieldProps {
  readonly id: string
  /** Display name of the parameter, for the labels of controls. */
  readonly label: string
  /** Ids of the texts that describe the field. */
  readonly describedBy: string
  readonly type: ParameterType
  readonly value: FieldValue
  readonly isOptional: boolean
  readonly isWrong: boolean
  /** Images on which a geometry can be drawn. */
  readonly images: readonly File[]
  readonly onChange: (value: FieldValue) => void
}

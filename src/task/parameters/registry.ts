import type { ErrorName } from '../../contract/errors.ts'
import type { ParameterType, ParameterTypeId } from '../task.ts'
import { booleanCodec } from './boolean.ts'
import { datetimeCodec } from './datetime.ts'
import { enumerationCodec } from './enumeration.ts'
import { geometryCodec } from './geometry.ts'
import { integerCodec } from './integer.ts'
import { numberCodec } from './number.ts'
import type { ParameterCodec, TypeOf } from './parameter-codec.ts'
import { stringCodec } from './string.ts'

/** Codec of each type; for types whose values are not single text files, only the error for null on a required input. */
const TYPES: {
  readonly [Id in ParameterTypeId]: ParameterCodec<TypeOf<Id>> | Pick<ParameterCodec<TypeOf<Id>>, 'nullError'>
} = {
  boolean: booleanCodec,
  integer: integerCodec,
  number: numberCodec,
  string: stringCodec,
  enumeration: enumerationCodec,
  datetime: datetimeCodec,
  geometry: geometryCodec,
  // Not one text: arrays are in array.ts; src/inputs and src/outputs check the bytes of images and files.
  image: { nullError: 'INTERNAL_PARAMETER_TYPE_ERROR' },
  file: { nullError: 'INTERNAL_PARAMETER_TYPE_ERROR' },
  array: { nullError: 'INTERNAL_NULL_PROVISION' },
}

/** Codec of a type; undefined for image, file and array. */
export function codecOf(type: ParameterType): ParameterCodec<ParameterType> | undefined {
  const entry: ParameterCodec<ParameterType> | Pick<ParameterCodec<ParameterType>, 'nullError'> =
    TYPES[type.id]
  return 'provision' in entry ? entry : undefined
}

/** Error for null on a required input of the type (contract parameter-io 1.3). */
export function nullErrorOf(typeId: ParameterTypeId): ErrorName {
  return TYPES[typeId].nullError
}

/** The type's name in run values: `INTEGER` for `integer`. */
export function runValueType(typeId: ParameterTypeId): Uppercase<ParameterTypeId> {
  return typeId.toUpperCase() as Uppercase<ParameterTypeId>
}

import { parameterError } from '../errors.ts'
import type { ParameterCodec, TypeOf } from './parameter-codec.ts'

/** Lengths in UTF-16 units, as Java counts them. The two codes look swapped, but clients and tests know them so. */
function checkLength(text: string, type: TypeOf<'string'>, parameterName: string): string {
  if (text.length < type.minLength) {
    throw parameterError('INTERNAL_PARAMETER_GT_VALIDATION_ERROR', parameterName)
  }
  if (type.maxLength !== undefined && text.length > type.maxLength) {
    throw parameterError('INTERNAL_PARAMETER_GEQ_VALIDATION_ERROR', parameterName)
  }
  return text
}

/** Text of any kind, line breaks kept. */
export const stringCodec: ParameterCodec<TypeOf<'string'>> = {
  nullError: 'INTERNAL_NULL_PROVISION',
  provision(value, type, parameterName) {
    // Half a surrogate pair has no UTF-8 form: the file would hold another text than the answer.
    if (typeof value !== 'string' || !value.isWellFormed()) {
      throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName)
    }
    return { fileText: checkLength(value, type, parameterName), value }
  },
  listInput(fileText) {
    return fileText
  },
  /** Blank is the empty string, which a minimum length of 0 allows. */
  readOutput(fileText, type, parameterName) {
    return checkLength(fileText.trim(), type, parameterName)
  },
}

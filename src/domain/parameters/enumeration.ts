import { parameterError } from '../errors.ts'
import { outputText, type ParameterCodec, SHORT_OUTPUT_BYTES, type TypeOf } from './parameter-codec.ts'

/** Longest item of a descriptor, in characters (not UTF-16 units), as JSON Schema counts. */
export const MAX_ITEM_CHARACTERS = 256

function isTooLong(text: string): boolean {
  // A character has at most two units, so only texts between the two limits are taken apart.
  if (text.length <= MAX_ITEM_CHARACTERS) return false
  return text.length > 2 * MAX_ITEM_CHARACTERS || [...text].length > MAX_ITEM_CHARACTERS
}

function checkShape(text: string, parameterName: string): void {
  if (/[\r\n]/u.test(text) || isTooLong(text)) {
    throw parameterError('INTERNAL_PARAMETER_GT_VALIDATION_ERROR', parameterName)
  }
}

/** One of the values that the descriptor lists, compared exactly. */
export const enumerationCodec: ParameterCodec<TypeOf<'enumeration'>> = {
  nullError: 'INTERNAL_NULL_PROVISION',
  largestOutput: { bytes: SHORT_OUTPUT_BYTES, error: 'INTERNAL_PARAMETER_GT_VALIDATION_ERROR' },
  provision(value, type, parameterName) {
    if (typeof value !== 'string') throw parameterError('INTERNAL_PARAMETER_VALIDATION_ERROR', parameterName)
    checkShape(value, parameterName)
    if (!type.values.includes(value)) {
      throw parameterError('INTERNAL_PARAMETER_VALIDATION_ERROR', parameterName)
    }
    return { fileText: value, value }
  },
  listInput(fileText) {
    return fileText
  },
  readOutput(fileText, type, parameterName) {
    const text = outputText(fileText, parameterName)
    checkShape(text, parameterName)
    // A listed value may itself begin or end with a space, which trimming took away.
    const value = type.values.includes(text) ? text : type.values.find((listed) => listed.trim() === text)
    if (value === undefined) throw parameterError('INTERNAL_PARAMETER_VALIDATION_ERROR', parameterName)
    return value
  },
}

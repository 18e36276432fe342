import { parameterError, unreadable } from '../../contract/errors.ts'
import type { ParameterCodec, TypeOf } from './parameter-codec.ts'
import { counted, shown } from './shown.ts'

/**
 * Checks a length in UTF-16 units, as Java does. The two error codes look swapped, but clients and tests depend on
 * them.
 * @throws DomainError naming the parameter
 */
export function checkLength(length: number, type: TypeOf<'string'>, parameterName: string): void {
  if (length < type.minLength) {
    const words = `the text has ${counted(length, 'character')}; expected at least ${type.minLength} (min_length)`
    throw parameterError('INTERNAL_PARAMETER_GT_VALIDATION_ERROR', parameterName, words)
  }
  if (type.maxLength !== undefined && length > type.maxLength) {
    const words = `the text has ${counted(length, 'character')}; expected at most ${type.maxLength} (max_length)`
    throw parameterError('INTERNAL_PARAMETER_GEQ_VALIDATION_ERROR', parameterName, words)
  }
}

/**
 * Refuses NUL, which JSON strings may contain but text in core's PostgreSQL may not.
 * @throws DomainError naming the parameter
 */
export function refuseNul(text: string, parameterName: string): void {
  const at = text.indexOf('\0')
  if (at === -1) return
  const before = shown(text.slice(Math.max(0, at - 20), at))
  throw unreadable(
    parameterName,
    `the text has a NUL character (U+0000) after ${before}; expected a text without it`,
  )
}

/** Any text without NUL; line breaks are kept. */
export const stringCodec: ParameterCodec<TypeOf<'string'>> = {
  nullError: 'INTERNAL_NULL_PROVISION',
  // Limit of array items, which are read whole; other string outputs are streamed.
  largestOutput: { bytes: 64 * 1024 * 1024, error: 'INTERNAL_PARAMETER_VALIDATION_ERROR' },
  provision(value, type, parameterName) {
    // Half a surrogate pair has no UTF-8 form: file and response would differ.
    if (typeof value !== 'string')
      throw unreadable(parameterName, `${shown(value)} is not a text; expected a string`)
    if (!value.isWellFormed()) {
      throw unreadable(
        parameterName,
        `${shown(value)} contains half a surrogate pair, which has no UTF-8 form`,
      )
    }
    refuseNul(value, parameterName)
    checkLength(value.length, type, parameterName)
    return { fileText: value, value }
  },
  listInput(fileText) {
    return fileText
  },
  /** A blank file is the empty string, which a minimum length of 0 allows. */
  readOutput(fileText, type, parameterName) {
    const text = fileText.trim()
    refuseNul(text, parameterName)
    checkLength(text.length, type, parameterName)
    return text
  },
}

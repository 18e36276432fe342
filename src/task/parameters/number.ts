import { parameterError, unreadable } from '../../contract/errors.ts'
import type { JsonValue } from '../../contract/json.ts'
import { checkBounds } from './bounds.ts'
import { outputText, type ParameterCodec, SHORT_OUTPUT_BYTES, type TypeOf } from './parameter-codec.ts'
import { shown } from './shown.ts'

/** A decimal number. Unambiguous, to avoid backtracking: no two adjacent parts match digits. */
const DECIMAL = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/u
const INFINITY = /^([-+]?)inf(?:inity)?$/iu
const NOT_A_NUMBER = /^nan$/iu

/** Parses a number of a file: decimal or scientific, or a special value in any case; undefined for another text. */
export function parseNumber(text: string): number | undefined {
  // Number() also accepts hexadecimal and the empty text. Adding zero converts -0 to 0.
  if (DECIMAL.test(text)) return Number(text) + 0
  const infinity = INFINITY.exec(text)
  if (infinity !== null) return infinity[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  return NOT_A_NUMBER.test(text) ? Number.NaN : undefined
}

/** Shortest text that parses to the same number; special values in the form of Python and C. */
function fileTextOf(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (Number.isFinite(value)) return String(value)
  return value > 0 ? 'inf' : '-inf'
}

/** JSON has no special values, so they are represented by name. */
function jsonOf(value: number): JsonValue {
  return Number.isFinite(value) ? value : String(value)
}

/** @param given the text or JSON of `value`; undefined when it is not a number */
function check(
  value: number | undefined,
  given: JsonValue,
  type: TypeOf<'number'>,
  parameterName: string,
): number {
  if (value === undefined) {
    const words = `${shown(given)} is not a number; expected one such as 0.5 or 1e-3`
    // The reference has an error text only for JSON of another type.
    if (typeof given === 'string') throw unreadable(parameterName, words)
    throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName, words)
  }
  checkBounds(value, type, parameterName)
  if (Number.isNaN(value)) {
    const words = 'the value is NaN; expected a number (nan_allowed is not set)'
    if (!type.nanAllowed) throw parameterError('INTERNAL_PARAMETER_NAN_ERROR', parameterName, words)
  } else if (!Number.isFinite(value) && !type.infinityAllowed) {
    const words = `the value is ${value}; expected a finite number (infinity_allowed is not set)`
    throw parameterError('INTERNAL_PARAMETER_INFINITY_ERROR', parameterName, words)
  }
  return value
}

function fromJson(value: JsonValue): number | undefined {
  if (typeof value === 'string') return parseNumber(value)
  return typeof value === 'number' ? value + 0 : undefined
}

/** Double-precision numbers, NaN and the infinities where the descriptor allows them. */
export const numberCodec: ParameterCodec<TypeOf<'number'>> = {
  nullError: 'INTERNAL_NULL_PROVISION',
  largestOutput: { bytes: SHORT_OUTPUT_BYTES, error: 'INTERNAL_PARAMETER_TYPE_ERROR' },
  provision(value, type, parameterName) {
    const number = check(fromJson(value), value, type, parameterName)
    return { fileText: fileTextOf(number), value: jsonOf(number) }
  },
  listInput(fileText) {
    return jsonOf(parseNumber(fileText) ?? Number.NaN)
  },
  readOutput(fileText, type, parameterName) {
    const text = outputText(fileText, parameterName)
    return jsonOf(check(parseNumber(text), text, type, parameterName))
  },
}

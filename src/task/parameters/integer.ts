import { unreadable } from '../../contract/errors.ts'
import type { JsonValue } from '../../contract/json.ts'
import { checkBounds } from './bounds.ts'
import { outputText, type ParameterCodec, SHORT_OUTPUT_BYTES, type TypeOf } from './parameter-codec.ts'
import { shown } from './shown.ts'

/**
 * Notations of the contract (parameter-io 3), in its order: a leading zero means octal, underscores group digits.
 * BigInt parses each without sign, prefix and underscores.
 */
const NOTATIONS = [
  { pattern: /^0b([01_]+)$/u, prefix: '0b' },
  { pattern: /^0([0-7_]+)$/u, prefix: '0o' },
  { pattern: /^(0|[1-9][0-9_]*)$/u, prefix: '' },
  { pattern: /^0x([0-9a-fA-F_]+)$/u, prefix: '0x' },
] as const

/** Binary digits of the largest value (2^53 − 1). Longer numbers are out of range in any notation. */
const MAX_DIGITS = 53

/** Parses an integer of a file; undefined for another text, or beyond ±(2^53 − 1), where JSON loses digits. */
export function parseInteger(text: string): number | undefined {
  const unsigned = text.replace(/^[-+]/u, '')
  for (const { pattern, prefix } of NOTATIONS) {
    const digits = pattern.exec(unsigned)?.[1]?.replaceAll('_', '')
    if (digits === undefined) continue
    const significant = digits.replace(/^0+/u, '')
    // `0_` is an octal zero in the grammar; `0b_` and `0x_` have no digit.
    if (significant === '') return digits === '' && prefix !== '0o' ? undefined : 0
    if (significant.length > MAX_DIGITS) return undefined
    const magnitude = Number(BigInt(prefix + significant))
    if (!Number.isSafeInteger(magnitude)) return undefined
    return text.startsWith('-') ? -magnitude : magnitude
  }
  return undefined
}

/** @param given the text or JSON of `value`; undefined when it is not an integer */
function check(
  value: number | undefined,
  given: JsonValue,
  type: TypeOf<'integer'>,
  parameterName: string,
): number {
  if (value === undefined) {
    const words = `${shown(given)} is not an integer; expected a whole number within ±(2^53 - 1), such as 5`
    throw unreadable(parameterName, words)
  }
  checkBounds(value, type, parameterName)
  return value
}

function fromJson(value: JsonValue): number | undefined {
  if (typeof value === 'string') return parseInteger(value)
  // Adding zero converts -0, which has no text form, to 0.
  return Number.isSafeInteger(value) ? Number(value) + 0 : undefined
}

/** Whole numbers up to ±(2^53 − 1); the reference and core support 32 bits. */
export const integerCodec: ParameterCodec<TypeOf<'integer'>> = {
  nullError: 'INTERNAL_NULL_PROVISION',
  largestOutput: { bytes: SHORT_OUTPUT_BYTES, error: 'INTERNAL_PARAMETER_TYPE_ERROR' },
  provision(value, type, parameterName) {
    const integer = check(fromJson(value), value, type, parameterName)
    return { fileText: String(integer), value: integer }
  },
  listInput(fileText) {
    return Number(fileText)
  },
  readOutput(fileText, type, parameterName) {
    const text = outputText(fileText, parameterName)
    return check(parseInteger(text), text, type, parameterName)
  },
}

import { type DomainError, parameterError } from '../../contract/errors.ts'
import type { JsonValue } from '../../contract/json.ts'
import { quoted, someOf } from '../../contract/quoted.ts'
import { outputText, type ParameterCodec, SHORT_OUTPUT_BYTES, type TypeOf } from './parameter-codec.ts'
import { shown } from './shown.ts'

/** Maximum length of a value in Unicode characters, as JSON Schema counts. */
export const MAX_ITEM_CHARACTERS = 256

function isTooLong(text: string): boolean {
  // A character has at most two UTF-16 units, so only lengths between the limits need counting.
  if (text.length <= MAX_ITEM_CHARACTERS) return false
  return text.length > 2 * MAX_ITEM_CHARACTERS || [...text].length > MAX_ITEM_CHARACTERS
}

function checkShape(text: string, parameterName: string): void {
  if (/[\r\n]/u.test(text) || isTooLong(text)) {
    const words = `${shown(text)} has several lines, or more than ${MAX_ITEM_CHARACTERS} characters; expected one of the values of the descriptor`
    throw parameterError('INTERNAL_PARAMETER_GT_VALIDATION_ERROR', parameterName, words)
  }
}

/** The values that a descriptor lists. */
interface ListedValues {
  readonly exact: ReadonlySet<string>
  /** First listed value by its trimmed form. */
  readonly trimmed: ReadonlyMap<string, string>
}

/** Cached for each type: a descriptor may list 16 000 values, and an array may have 100 000 items. */
const LISTED = new WeakMap<TypeOf<'enumeration'>, ListedValues>()

function listedOf(type: TypeOf<'enumeration'>): ListedValues {
  const known = LISTED.get(type)
  if (known !== undefined) return known
  const { values } = type
  const trimmed = new Map(values.toReversed().map((value) => [value.trim(), value]))
  const listed = { exact: new Set(values), trimmed }
  LISTED.set(type, listed)
  return listed
}

/** Maximum number of values in a message. */
const MAX_VALUES_SHOWN = 20

function unlisted(value: JsonValue, { values }: TypeOf<'enumeration'>, parameterName: string): DomainError {
  const allowed = someOf(
    values.slice(0, MAX_VALUES_SHOWN + 1).map((one) => quoted(one, 60)),
    MAX_VALUES_SHOWN,
  )
  const words = `${shown(value)} is not allowed; expected one of ${allowed}`
  return parameterError('INTERNAL_PARAMETER_VALIDATION_ERROR', parameterName, words)
}

/** Enumerations: one of the descriptor's values, compared exactly. */
export const enumerationCodec: ParameterCodec<TypeOf<'enumeration'>> = {
  nullError: 'INTERNAL_NULL_PROVISION',
  largestOutput: { bytes: SHORT_OUTPUT_BYTES, error: 'INTERNAL_PARAMETER_GT_VALIDATION_ERROR' },
  provision(value, type, parameterName) {
    if (typeof value !== 'string') throw unlisted(value, type, parameterName)
    checkShape(value, parameterName)
    if (!listedOf(type).exact.has(value)) throw unlisted(value, type, parameterName)
    return { fileText: value, value }
  },
  listInput(fileText) {
    return fileText
  },
  readOutput(fileText, type, parameterName) {
    const text = outputText(fileText, parameterName)
    checkShape(text, parameterName)
    // A listed value may itself start or end with white space.
    const { exact, trimmed } = listedOf(type)
    const value = exact.has(text) ? text : trimmed.get(text)
    if (value === undefined) throw unlisted(text, type, parameterName)
    return value
  },
}

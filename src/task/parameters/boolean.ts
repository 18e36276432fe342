import { type DomainError, parameterError } from '../../contract/errors.ts'
import type { JsonValue } from '../../contract/json.ts'
import { outputText, type ParameterCodec, SHORT_OUTPUT_BYTES, type TypeOf } from './parameter-codec.ts'
import { shown } from './shown.ts'

const OUTPUTS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
])

function refuse(value: JsonValue, parameterName: string): DomainError {
  const words = `${shown(value)} is not a boolean; expected true or false`
  return parameterError('INTERNAL_PARAMETER_VALIDATION_ERROR', parameterName, words)
}

/** `true` and `false`; in outputs in any case, as Python writes `True`. */
export const booleanCodec: ParameterCodec<TypeOf<'boolean'>> = {
  nullError: 'INTERNAL_NULL_PROVISION',
  largestOutput: { bytes: SHORT_OUTPUT_BYTES, error: 'INTERNAL_PARAMETER_VALIDATION_ERROR' },
  provision(value, _type, parameterName) {
    if (typeof value !== 'boolean') throw refuse(value, parameterName)
    return { fileText: String(value), value }
  },
  listInput(fileText) {
    return fileText === 'true'
  },
  readOutput(fileText, _type, parameterName) {
    const text = outputText(fileText, parameterName)
    const value = OUTPUTS.get(text.toLowerCase())
    if (value === undefined) throw refuse(text, parameterName)
    return value
  },
}

import { parameterError } from '../errors.ts'
import { outputText, type ParameterCodec, SHORT_OUTPUT_BYTES, type TypeOf } from './parameter-codec.ts'

const OUTPUTS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
])

/** `true` and `false`; in outputs in any case, as Python writes `True`. */
export const booleanCodec: ParameterCodec<TypeOf<'boolean'>> = {
  nullError: 'INTERNAL_NULL_PROVISION',
  largestOutput: { bytes: SHORT_OUTPUT_BYTES, error: 'INTERNAL_PARAMETER_VALIDATION_ERROR' },
  provision(value, _type, parameterName) {
    if (typeof value !== 'boolean') throw parameterError('INTERNAL_PARAMETER_VALIDATION_ERROR', parameterName)
    return { fileText: String(value), value }
  },
  listInput(fileText) {
    return fileText === 'true'
  },
  readOutput(fileText, _type, parameterName) {
    const value = OUTPUTS.get(outputText(fileText, parameterName).toLowerCase())
    if (value === undefined) throw parameterError('INTERNAL_PARAMETER_VALIDATION_ERROR', parameterName)
    return value
  },
}

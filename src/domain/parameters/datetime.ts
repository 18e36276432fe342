import { parameterError } from '../errors.ts'
import { compareInstants, formatInstant, type Instant, parseInstant } from './instant.ts'
import { outputText, type ParameterCodec, SHORT_OUTPUT_BYTES, type TypeOf } from './parameter-codec.ts'

/** Both bounds are inclusive; they were checked with the descriptor, so they can be read. */
function check(text: string, type: TypeOf<'datetime'>, parameterName: string): Instant {
  const instant = parseInstant(text)
  if (instant === undefined) throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName)
  const before = type.before === undefined ? undefined : parseInstant(type.before)
  if (before !== undefined && compareInstants(instant, before) > 0) {
    throw parameterError('INTERNAL_PARAMETER_BEFORE_ERROR', parameterName)
  }
  const after = type.after === undefined ? undefined : parseInstant(type.after)
  if (after !== undefined && compareInstants(instant, after) < 0) {
    throw parameterError('INTERNAL_PARAMETER_AFTER_ERROR', parameterName)
  }
  return instant
}

/** Points in time; kept as written, listed in UTC. */
export const datetimeCodec: ParameterCodec<TypeOf<'datetime'>> = {
  nullError: 'INTERNAL_PARAMETER_TYPE_ERROR',
  largestOutput: { bytes: SHORT_OUTPUT_BYTES, error: 'INTERNAL_PARAMETER_TYPE_ERROR' },
  provision(value, type, parameterName) {
    if (typeof value !== 'string') throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName)
    check(value, type, parameterName)
    return { fileText: value, value }
  },
  listInput(fileText) {
    const instant = parseInstant(fileText)
    return instant === undefined ? fileText : formatInstant(instant)
  },
  readOutput(fileText, type, parameterName) {
    return formatInstant(check(outputText(fileText, parameterName), type, parameterName))
  },
}

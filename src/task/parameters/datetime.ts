import { parameterError, unreadable } from '../../contract/errors.ts'
import { compareInstants, formatInstant, type Instant, parseInstant } from './instant.ts'
import { outputText, type ParameterCodec, SHORT_OUTPUT_BYTES, type TypeOf } from './parameter-codec.ts'
import { shown } from './shown.ts'

const EXPECTED = 'expected a date and time with zone, such as 2024-02-23T18:00:00Z'

/** Both bounds are inclusive. They were validated with the descriptor, so they can be parsed. */
function check(text: string, type: TypeOf<'datetime'>, parameterName: string): Instant {
  const instant = parseInstant(text)
  if (instant === undefined) throw unreadable(parameterName, `${shown(text)} cannot be read; ${EXPECTED}`)
  const before = type.before === undefined ? undefined : parseInstant(type.before)
  if (before !== undefined && compareInstants(instant, before) > 0) {
    const words = `${shown(text)} is too late; expected ${type.before} or earlier (before)`
    throw parameterError('INTERNAL_PARAMETER_BEFORE_ERROR', parameterName, words)
  }
  const after = type.after === undefined ? undefined : parseInstant(type.after)
  if (after !== undefined && compareInstants(instant, after) < 0) {
    const words = `${shown(text)} is too early; expected ${type.after} or later (after)`
    throw parameterError('INTERNAL_PARAMETER_AFTER_ERROR', parameterName, words)
  }
  return instant
}

/** Points in time; kept as written, listed in UTC. */
export const datetimeCodec: ParameterCodec<TypeOf<'datetime'>> = {
  nullError: 'INTERNAL_PARAMETER_TYPE_ERROR',
  largestOutput: { bytes: SHORT_OUTPUT_BYTES, error: 'INTERNAL_PARAMETER_TYPE_ERROR' },
  provision(value, type, parameterName) {
    if (typeof value !== 'string') {
      throw parameterError(
        'INTERNAL_PARAMETER_TYPE_ERROR',
        parameterName,
        `${shown(value)} is not a text; ${EXPECTED}`,
      )
    }
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

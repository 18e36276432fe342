import { DomainError, type ErrorName } from '../../../../src/contract/errors.ts'
import type { JsonValue } from '../../../../src/contract/json.ts'
import type { ParameterCodec, ProvisionedValue } from '../../../../src/task/parameters/parameter-codec.ts'
import { codecOf } from '../../../../src/task/parameters/registry.ts'
import type { ParameterType } from '../../../../src/task/task.ts'

/** Parameter name that errors must contain. */
const PARAMETER = 'p'

function codec(type: ParameterType): ParameterCodec<ParameterType> {
  const found = codecOf(type)
  if (found === undefined) throw new Error(`no codec for ${type.id}`)
  return found
}

export function provision(type: ParameterType, value: JsonValue): ProvisionedValue {
  return codec(type).provision(value, type, PARAMETER)
}

export function listInput(type: ParameterType, fileText: string): JsonValue {
  return codec(type).listInput(fileText, type)
}

export function readOutput(type: ParameterType, fileText: string): JsonValue {
  return codec(type).readOutput(fileText, type, PARAMETER)
}

/**
 * Error that refuses the call; undefined when the call is accepted.
 * @throws Error when the refusal does not name the parameter
 */
export function refusalOf(call: () => unknown): ErrorName | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    if (error.details.type !== 'parameter' || error.details.parameterName !== PARAMETER) {
      throw new Error('the refusal does not name the parameter', { cause: error })
    }
    return error.error
  }
}

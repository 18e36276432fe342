import { type ErrorName, parameterError } from '../../contract/errors.ts'
import type { JsonValue } from '../../contract/json.ts'
import type { ParameterType, ParameterTypeId } from '../task.ts'

/** {@link ParameterType} of one id, with its constraints. */
export type TypeOf<Id extends ParameterTypeId> = Extract<ParameterType, { readonly id: Id }>

/** A valid value, as the container reads it and as clients see it. */
export interface ProvisionedValue {
  /** Content of the input file. */
  readonly fileText: string
  /** Value in the response to the call. */
  readonly value: JsonValue
}

/** Converts values of one parameter type between JSON of calls, text of files, and JSON of listings. */
export interface ParameterCodec<Type extends ParameterType> {
  /**
   * Checks the JSON of a provisioning call, which is never null.
   * @throws DomainError naming the parameter, with the contract's code.
   */
  provision(value: JsonValue, type: Type, parameterName: string): ProvisionedValue
  /** Value that listings show for an input file made by {@link provision}. */
  listInput(fileText: string, type: Type): JsonValue
  /**
   * Checks a file that a task wrote, and returns its value in listings.
   * @throws DomainError naming the parameter, with the contract's code.
   */
  readOutput(fileText: string, type: Type, parameterName: string): JsonValue
  /** Limit of files for {@link readOutput}, including white space, and the error for larger ones. */
  readonly largestOutput: { readonly bytes: number; readonly error: ErrorName }
  /** Error for null on a required input. */
  readonly nullError: ErrorName
}

/** Limit for short outputs: more than a number, a date or an enumeration's item needs, including white space. */
export const SHORT_OUTPUT_BYTES = 1024 * 1024

/**
 * Removes white space and a byte order mark around the text of an output, which many tasks write.
 * @throws DomainError when nothing is left.
 */
export function outputText(fileText: string, parameterName: string): string {
  const text = fileText.trim()
  if (text === '') {
    const words = 'the file is empty or contains only white space; expected a value'
    throw parameterError('INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_BLANK', parameterName, words)
  }
  return text
}

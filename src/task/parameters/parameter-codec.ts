import { type ErrorName, parameterError } from '../../contract/errors.ts'
import type { JsonValue } from '../../contract/json.ts'
import type { ParameterType, ParameterTypeId } from '../task.ts'

/** The type of one identifier, constraints included. */
export type TypeOf<Id extends ParameterTypeId> = Extract<ParameterType, { readonly id: Id }>

/** A value that passed all checks: what the container finds, and what clients see. */
export interface ProvisionedValue {
  /** Content of the input file. */
  readonly fileText: string
  /** What the answer of the call shows. */
  readonly value: JsonValue
}

/** How values of one parameter type travel: JSON in a call, text in a file, JSON in a listing. */
export interface ParameterCodec<Type extends ParameterType> {
  /**
   * JSON of a provisioning call, never null: what is stored and echoed.
   * @throws DomainError naming the parameter, with the contract's code.
   */
  provision(value: JsonValue, type: Type, parameterName: string): ProvisionedValue
  /** Text of an input file that {@link provision} made: the value in listings. */
  listInput(fileText: string, type: Type): JsonValue
  /**
   * Text of a file that a task wrote: the value in listings, after all checks of the type.
   * @throws DomainError naming the parameter, with the contract's code.
   */
  readOutput(fileText: string, type: Type, parameterName: string): JsonValue
  /** Largest file that {@link readOutput} gets, white space included, and the error for a larger one. */
  readonly largestOutput: { readonly bytes: number; readonly error: ErrorName }
  /** Error for null on a required input. */
  readonly nullError: ErrorName
}

/** Far more than a number, a date or an enumeration's item needs, even with much white space around it. */
export const SHORT_OUTPUT_BYTES = 1024 * 1024

/**
 * The text of an output without the white space around it, which many tasks write; a byte order mark goes with it.
 * @throws DomainError when nothing is left.
 */
export function outputText(fileText: string, parameterName: string): string {
  const text = fileText.trim()
  if (text === '') {
    const words = 'the file is empty or holds only white space; expected a value'
    throw parameterError('INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_BLANK', parameterName, words)
  }
  return text
}

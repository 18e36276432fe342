import type { JsonValue } from '../json.ts'
import type { ParameterTypeId } from '../task/task.ts'

/** One entry of the listings of inputs and outputs, keys in the contract's order (http-api 6.3). */
export interface RunValue {
  readonly taskRunId: string
  readonly parameterName: string
  readonly type: Uppercase<ParameterTypeId>
  readonly value: JsonValue
  /** Of an array: upper-cased type of its items. */
  readonly subType?: Uppercase<ParameterTypeId>
}

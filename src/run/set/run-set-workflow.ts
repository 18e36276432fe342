import type { RunWorkflow } from '../run-workflow.ts'

/** State machine of run sets. Each round, cancellation and removal has one execution, named by `executionNameOf`. */
export type RunSetWorkflow = Pick<RunWorkflow, 'start' | 'stop' | 'findStatus'>

/** Length of a set's id, with which the name of an execution starts. */
const ID_LENGTH = 36

/** Returns the input of the execution with this name. */
export function setInputOf(executionName: string): object {
  return { setId: executionName.slice(0, ID_LENGTH) }
}

import type { RunWorkflow } from '../run-workflow.ts'

/** The state machine of run sets: one execution for each round, each cancellation and each removal, named by `executionNameOf`. */
export type RunSetWorkflow = Pick<RunWorkflow, 'start' | 'stop' | 'findStatus'>

/** Characters of a set's id at the start of the name of an execution. */
const ID_LENGTH = 36

/** Input of the execution of a name. */
export function setInputOf(executionName: string): object {
  return { setId: executionName.slice(0, ID_LENGTH) }
}

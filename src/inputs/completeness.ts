import { provisionOf, type Run } from '../run/run.ts'
import type { Task, TaskInput } from '../task/task.ts'
import { isArrayComplete, topIndexes } from './array-provisions.ts'

/**
 * Names of the inputs that still need a value (contract run-lifecycle 4). Optional inputs and those with a default need
 * none, but a partly provisioned array must be complete. Stored values are valid, because they are checked first.
 */
export function missingInputs(task: Pick<Task, 'inputs'>, run: Pick<Run, 'provisions'>): readonly string[] {
  return task.inputs.filter((input) => !isSatisfied(input, run)).map((input) => input.name)
}

function isSatisfied(input: TaskInput, run: Pick<Run, 'provisions'>): boolean {
  const { name, type } = input
  if (type.id === 'array') {
    return topIndexes(run, name) === undefined ? input.optional : isArrayComplete(run, name, type)
  }
  return input.optional || input.default !== undefined || provisionOf(run, name) !== undefined
}

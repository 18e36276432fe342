import type { Task } from '../task/task.ts'
import { provisionOf, type Run } from './run.ts'

/**
 * Names of the inputs that still need a value (contract run-lifecycle 4): optional ones and ones with a default never do.
 * A stored value is always valid, because it was checked before it was stored.
 */
export function missingInputs(task: Pick<Task, 'inputs'>, run: Pick<Run, 'provisions'>): readonly string[] {
  return task.inputs
    .filter(
      (input) => !input.optional && input.default === undefined && provisionOf(run, input.name) === undefined,
    )
    .map((input) => input.name)
}

import { randomBytes } from 'node:crypto'
import type { Identity } from '../shared/identity.ts'
import type { Task } from '../task/task.ts'
import type { Run } from './run.ts'
import type { RunRepository } from './run-repository.ts'

/** Creates a run of an installed task, in state CREATED. */
export async function createRun(
  deps: { readonly identity: Identity; readonly runs: RunRepository },
  task: Task,
): Promise<Run> {
  const run: Run = {
    id: deps.identity.uuid(),
    taskId: task.id,
    state: 'CREATED',
    createdAt: deps.identity.now().toISOString(),
    entered: {},
    updatedAt: null,
    // 256 bits instead of the contract's UUID: only the stager sees its form.
    secret: randomBytes(32).toString('base64url'),
    provisions: {},
  }
  await deps.runs.create(run)
  return run
}

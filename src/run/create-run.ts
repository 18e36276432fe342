import { randomBytes } from 'node:crypto'
import type { Identity } from '../shared/identity.ts'
import type { Task } from '../task/task.ts'
import type { Run } from './run.ts'
import type { RunRepository } from './run-repository.ts'

/** Makes a CREATED run of an installed task. */
export async function createRun(
  deps: { readonly identity: Identity; readonly runs: RunRepository },
  task: Task,
): Promise<Run> {
  const run: Run = {
    id: deps.identity.uuid(),
    taskId: task.id,
    state: 'CREATED',
    createdAt: deps.identity.now().toISOString(),
    updatedAt: null,
    // 256 bits: nobody guesses it; the contract's UUID form is not visible to anybody but the stager.
    secret: randomBytes(32).toString('base64url'),
    provisions: {},
  }
  await deps.runs.create(run)
  return run
}

import { DomainError } from '../domain/errors.ts'
import type { Run } from '../domain/run/run.ts'
import type { Task } from '../domain/task/task.ts'
import type { RunRepository, TaskRepository } from '../ports.ts'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u

/** A malformed id can name nothing, so it is unknown rather than invalid (contract http-api 3.2). */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/** @throws DomainError RUN_NOT_FOUND */
export async function findRun(deps: { readonly runs: RunRepository }, runId: string): Promise<Run> {
  const run = isUuid(runId) ? await deps.runs.find(runId) : undefined
  if (run === undefined) throw new DomainError('RUN_NOT_FOUND')
  return run
}

/** A run together with its task; a run whose task is being deleted is as good as gone. */
export async function findRunAndTask(
  deps: { readonly runs: RunRepository; readonly tasks: TaskRepository },
  runId: string,
): Promise<{ readonly run: Run; readonly task: Task }> {
  const run = await findRun(deps, runId)
  const task = await deps.tasks.findById(run.taskId)
  if (task === undefined) throw new DomainError('RUN_NOT_FOUND')
  return { run, task }
}

/**
 * A parameter by the name that a client wrote: exactly, else by a unique match without regard to case (http-api 5.15).
 */
export function parameterNamed<Named extends { readonly name: string }>(
  parameters: readonly Named[],
  name: string,
): Named | undefined {
  const exact = parameters.find((parameter) => parameter.name === name)
  if (exact !== undefined) return exact
  const similar = parameters.filter((parameter) => parameter.name.toLowerCase() === name.toLowerCase())
  return similar.length === 1 ? similar[0] : undefined
}

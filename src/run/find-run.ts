import { DomainError, parameterError } from '../contract/errors.ts'
import { MAX_NAMES, quoted, someOf } from '../contract/quoted.ts'
import { isUuid } from '../contract/uuid.ts'
import type { Task } from '../task/task.ts'
import type { TaskRepository } from '../task/task-repository.ts'
import type { Run } from './run.ts'
import type { RunRepository } from './run-repository.ts'
import type { RunState } from './transitions.ts'

function runNotFound(runId: string): DomainError {
  return new DomainError('RUN_NOT_FOUND', undefined, {
    words: `there is no run ${quoted(runId, 60)}, or it was deleted`,
  })
}

/** @throws DomainError RUN_NOT_FOUND */
export async function findRun(deps: { readonly runs: RunRepository }, runId: string): Promise<Run> {
  const run = isUuid(runId) ? await deps.runs.find(runId) : undefined
  if (run === undefined) throw runNotFound(runId)
  return run
}

/** A run together with its task. */
export interface RunAndTask {
  readonly run: Run
  readonly task: Task
}

/** Ports of the lookup of a run and its task. */
export interface Repositories {
  readonly runs: RunRepository
  readonly tasks: TaskRepository
}

/**
 * Finds a run and its task. A run whose task is being removed is unknown, although the removal has not reached the run yet.
 * @throws DomainError RUN_NOT_FOUND
 */
export async function findRunAndTask(deps: Repositories, runId: string): Promise<RunAndTask> {
  const run = await findRun(deps, runId)
  const task = await deps.tasks.findOfRun(run.taskId)
  if (task === undefined) throw runNotFound(runId)
  return { run, task }
}

/** Finds a parameter by exact name, else by a unique match that ignores case (http-api 5.15). */
export function parameterNamed<Named extends { readonly name: string }>(
  parameters: readonly Named[],
  name: string,
): Named | undefined {
  const exact = parameters.find((parameter) => parameter.name === name)
  if (exact !== undefined) return exact
  const similar = parameters.filter((parameter) => parameter.name.toLowerCase() === name.toLowerCase())
  return similar.length === 1 ? similar[0] : undefined
}

/**
 * As {@link parameterNamed}.
 * @throws DomainError INTERNAL_PARAMETER_DOES_NOT_EXIST
 */
export function requireParameter<Named extends { readonly name: string }>(
  parameters: readonly Named[],
  name: string,
): Named {
  const found = parameterNamed(parameters, name)
  if (found === undefined) throw unknownParameter(name, parameters)
  return found
}

/** Error for a name that no parameter has. */
export function unknownParameter(
  name: string,
  parameters: readonly { readonly name: string }[],
): DomainError {
  const known = parameters.map((one) => quoted(one.name, 60))
  const expected = known.length === 0 ? 'the task has none' : `expected one of ${someOf(known, MAX_NAMES)}`
  return parameterError(
    'INTERNAL_PARAMETER_DOES_NOT_EXIST',
    name,
    `the task has no such parameter; ${expected}`,
  )
}

/**
 * Error for a call that the run's state does not allow.
 * @param expected the states that allow it
 */
export function stateError(state: RunState, expected: string): DomainError {
  return new DomainError('INTERNAL_INVALID_TASK_RUN_STATE', undefined, {
    words: `the run is ${state}; ${expected}`,
  })
}

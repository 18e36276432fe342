import { DomainError } from '../domain/errors.ts'
import { missingInputs } from '../domain/run/completeness.ts'
import type { Provision, Run } from '../domain/run/run.ts'
import { isProvisionable } from '../domain/run/transitions.ts'
import type { Task } from '../domain/task/task.ts'
import {
  type Identity,
  type ObjectStore,
  type RunRepository,
  RunStateConflictError,
  type TaskRepository,
} from '../ports.ts'
import { findRunAndTask } from './find-run.ts'

/*
 * What all ways of provisioning share: a value is checked, stored beside the old one, switched by one conditional write, and the
 * run becomes PROVISIONED when nothing is missing any more.
 */

/** What provisioning works with. */
export interface ProvisionDependencies {
  readonly identity: Identity
  readonly objects: ObjectStore
  readonly runs: RunRepository
  readonly tasks: TaskRepository
}

/** @throws DomainError RUN_NOT_FOUND, INTERNAL_INVALID_TASK_RUN_STATE */
export async function findProvisionableRun(
  deps: ProvisionDependencies,
  runId: string,
): Promise<{ readonly run: Run; readonly task: Task }> {
  const found = await findRunAndTask(deps, runId)
  if (!isProvisionable(found.run.state)) throw new DomainError('INTERNAL_INVALID_TASK_RUN_STATE')
  return found
}

/**
 * The one write that makes a stored value count.
 * @param name of the parameter, or of an array's item
 * @throws DomainError when the run was started or deleted meanwhile
 */
export async function applyProvision(
  deps: ProvisionDependencies,
  run: Run,
  name: string,
  provision: Provision,
): Promise<Run> {
  try {
    return await deps.runs.recordProvision(run.id, name, provision)
  } catch (error) {
    throw inInvalidState(error)
  }
}

/**
 * CREATED → PROVISIONED once nothing is missing, and back when an item left a gap in an array (run-lifecycle 2.2); the last of
 * several parallel calls sees the provisions of all.
 */
export async function settleState(deps: ProvisionDependencies, run: Run, task: Task): Promise<void> {
  const due = missingInputs(task, run).length > 0 ? 'CREATED' : 'PROVISIONED'
  if (run.state === due || !isProvisionable(run.state)) return
  try {
    const changed = await deps.runs.transition(run.id, { to: due, from: [run.state] })
    // A parallel call may have changed what is due meanwhile.
    await settleState(deps, changed, task)
  } catch (error) {
    // A parallel call did it, or the run was started or deleted meanwhile: all fine for this caller.
    if (!(error instanceof RunStateConflictError)) throw error
  }
}

/** A lost race, told as the contract tells it. */
export function inInvalidState(error: unknown): unknown {
  if (!(error instanceof RunStateConflictError)) return error
  return error.run === undefined
    ? new DomainError('RUN_NOT_FOUND')
    : new DomainError('INTERNAL_INVALID_TASK_RUN_STATE')
}

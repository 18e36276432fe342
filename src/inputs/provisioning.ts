import type { ObjectStore } from '../aws/object-store.ts'
import { DomainError } from '../contract/errors.ts'
import { placeInSet } from '../contract/set-run-id.ts'
import { inputValueKey } from '../contract/storage-keys.ts'
import { stateError } from '../run/find-run.ts'
import type { Provision, Run } from '../run/run.ts'
import { type RunRepository, RunStateConflictError } from '../run/run-repository.ts'
import { isProvisionable } from '../run/transitions.ts'
import type { Identity } from '../shared/identity.ts'
import type { Task } from '../task/task.ts'
import { missingInputs } from './completeness.ts'

/*
 * Steps that all ways of provisioning share: a value is checked and stored beside the old one, a conditional write switches to it,
 * and the run becomes PROVISIONED when no input is missing.
 */

/** Ports of provisioning. */
export interface ProvisionDependencies {
  readonly identity: Identity
  readonly objects: ObjectStore
  readonly runs: RunRepository
}

/** Ports and settings of storing a value. */
export interface StoreDependencies extends Pick<ProvisionDependencies, 'identity' | 'objects'> {
  readonly runs: Pick<RunRepository, 'putInput'>
}

/** @throws DomainError INTERNAL_INVALID_TASK_RUN_STATE */
export function requireProvisionable({ id, state }: Run): void {
  if (placeInSet(id) !== undefined)
    throw stateError(state, 'the inputs of a run of a set are given with the set')
  if (isProvisionable(state)) return
  throw stateError(
    state,
    'inputs can be provisioned only while it is CREATED or PROVISIONED; create another run',
  )
}

/**
 * Conditional write that switches to a stored value.
 * @param name of the parameter, or of an array item
 * @throws DomainError when the run was started or deleted meanwhile
 */
export async function applyProvision(
  deps: ProvisionDependencies,
  run: Run,
  name: string,
  provision: Provision,
): Promise<Run> {
  return applyProvisions(deps, run, { [name]: provision })
}

/**
 * Conditional write that switches to stored values, all or none.
 * @param provisions by name of the parameter, or of an array item
 * @throws DomainError when the run was started or deleted meanwhile
 */
export async function applyProvisions(
  deps: ProvisionDependencies,
  run: Run,
  provisions: Run['provisions'],
): Promise<Run> {
  try {
    return await deps.runs.recordProvisions(run.id, provisions)
  } catch (error) {
    if (error instanceof RunStateConflictError) await discardValues(deps, run.id, provisions)
    throw inInvalidState(error)
  }
}

/** Removes values of a call that failed. Those of a deleted run are removed already. */
export async function discardValues(
  deps: Pick<ProvisionDependencies, 'objects' | 'runs'>,
  runId: string,
  provisions: Run['provisions'],
): Promise<void> {
  for (const [parameterName, provision] of Object.entries(provisions)) {
    if (provision.kind !== 'value') continue
    const { valueId } = provision
    await deps.objects.removeAll(inputValueKey(runId, parameterName, valueId))
    await deps.runs.removeInput({ runId, parameterName, valueId })
  }
}

/**
 * Changes CREATED to PROVISIONED once no input is missing, and back when an item leaves a gap in an array
 * (run-lifecycle 2.2). The last of several parallel calls sees all provisions; a call that was overtaken decides again
 * with the current run.
 */
export async function settleState(deps: ProvisionDependencies, run: Run, task: Task): Promise<void> {
  const due = missingInputs(task, run).length > 0 ? 'CREATED' : 'PROVISIONED'
  if (run.state === due || !isProvisionable(run.state)) return
  try {
    await deps.runs.transition(run.id, { to: due, from: [run.state], ifProvisions: run.provisions })
  } catch (error) {
    if (!(error instanceof RunStateConflictError)) throw error
    if (error.run !== undefined) await settleState(deps, error.run, task)
  }
}

/** Converts a lost race to the contract's error. */
export function inInvalidState(error: unknown): unknown {
  if (!(error instanceof RunStateConflictError)) return error
  return error.run === undefined
    ? new DomainError('RUN_NOT_FOUND')
    : stateError(error.run.state, 'another call has changed it')
}

import type { ObjectStore } from '../aws/object-store.ts'
import { DomainError } from '../contract/errors.ts'
import { inputValueKey } from '../contract/storage-keys.ts'
import { stateError } from '../run/find-run.ts'
import type { Provision, Run } from '../run/run.ts'
import { type RunRepository, RunStateConflictError } from '../run/run-repository.ts'
import { isProvisionable } from '../run/transitions.ts'
import type { Identity } from '../shared/identity.ts'
import type { Task } from '../task/task.ts'
import { missingInputs } from './completeness.ts'

/*
 * What all ways of provisioning share: a value is checked, stored beside the old one, switched by one conditional write, and the
 * run becomes PROVISIONED when nothing is missing any more.
 */

/** What provisioning works with. */
export interface ProvisionDependencies {
  readonly identity: Identity
  readonly objects: ObjectStore
  readonly runs: RunRepository
}

/** @throws DomainError INTERNAL_INVALID_TASK_RUN_STATE */
export function requireProvisionable({ state }: Run): void {
  if (isProvisionable(state)) return
  throw stateError(state, 'inputs can be given only while it is CREATED or PROVISIONED; make another run')
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
  return applyProvisions(deps, run, { [name]: provision })
}

/**
 * The one write that makes stored values count, all of them or none.
 * @param provisions by name of the parameter, or of an array's item
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

/** Takes back what was stored for a call that lost: a run that is deleted has its files removed already. */
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
 * CREATED → PROVISIONED once nothing is missing, and back when an item left a gap in an array (run-lifecycle 2.2). The last of
 * several parallel calls sees the provisions of all; one that was overtaken decides again by what it finds.
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

/** A lost race, told as the contract tells it. */
export function inInvalidState(error: unknown): unknown {
  if (!(error instanceof RunStateConflictError)) return error
  return error.run === undefined
    ? new DomainError('RUN_NOT_FOUND')
    : stateError(error.run.state, 'another call has changed it meanwhile')
}

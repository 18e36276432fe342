import { DomainError } from '../domain/errors.ts'
import { topIndexes } from '../domain/run/array-provisions.ts'
import { missingInputs } from '../domain/run/completeness.ts'
import { matchingProblems } from '../domain/run/matching.ts'
import type { Run } from '../domain/run/run.ts'
import { isProvisionable, RUN_STATES, type RunState } from '../domain/run/transitions.ts'
import type { Task } from '../domain/task/task.ts'
import type { Identity, ObjectStore, RunRepository, RunWorkflow, TaskRepository } from '../ports.ts'
import { findRunAndTask } from './find-run.ts'
import { provisionDefaults } from './provision-input.ts'
import { inInvalidState } from './provisioning.ts'

interface Dependencies {
  readonly identity: Identity
  readonly objects: ObjectStore
  readonly runs: RunRepository
  readonly tasks: TaskRepository
  readonly workflow: RunWorkflow
}

/**
 * Carries out a state action (run-lifecycle 3).
 * @param desired the word that the client sent, in any letter case
 * @throws DomainError as the contract's table says
 */
export async function changeRunState(
  deps: Dependencies,
  runId: string,
  desired: unknown,
): Promise<{ readonly run: Run; readonly task: Task }> {
  const { run, task } = await findRunAndTask(deps, runId)
  switch (parseDesired(desired)) {
    case 'PROVISIONED':
      if (run.state !== 'CREATED') throw new DomainError('INTERNAL_INVALID_TASK_RUN_STATE')
      return { run: await declareProvisioned(deps, run, task), task }
    case 'RUNNING':
      return { run: await startRun(deps, run, task), task }
    case 'FINISHED':
      // Only the engine knows when outputs are valid; no client can declare it.
      throw new DomainError('INTERNAL_INVALID_TASK_RUN_STATE')
    default:
      throw new DomainError('STATE_NOT_REQUESTABLE')
  }
}

function parseDesired(desired: unknown): RunState {
  const word = typeof desired === 'string' ? desired.toUpperCase() : undefined
  const state = RUN_STATES.find((one) => one === word)
  if (state === undefined) throw new DomainError('UNKNOWN_STATE')
  return state
}

async function declareProvisioned(deps: Dependencies, run: Run, task: Task): Promise<Run> {
  if (missingInputs(task, run).length > 0) throw new DomainError('INTERNAL_NOT_PROVISIONED')
  try {
    return await deps.runs.transition(run.id, { to: 'PROVISIONED', from: ['CREATED'] })
  } catch (error) {
    throw inInvalidState(error)
  }
}

/** @throws DomainError INTERNAL_NOT_MATCHING_… naming the first array that differs (run-lifecycle 6) */
function checkMatching(run: Run, task: Task): void {
  const isInput = (reference: string): boolean => reference.startsWith('inputs/')
  const problems = matchingProblems(task, isInput, (reference) =>
    topIndexes(run, reference.slice('inputs/'.length)),
  )
  const [first] = problems
  if (first !== undefined) throw first
}

async function startRun(deps: Dependencies, run: Run, task: Task): Promise<Run> {
  if (!isProvisionable(run.state)) throw new DomainError('INTERNAL_INVALID_TASK_RUN_STATE')
  // Also of a PROVISIONED run: an item that leaves a gap takes a moment to make it CREATED again.
  if (missingInputs(task, run).length > 0) throw new DomainError('INTERNAL_NOT_PROVISIONED')
  if (run.state === 'CREATED') await declareProvisioned(deps, run, task)
  checkMatching(run, task)
  await provisionDefaults(deps, run, task)
  let started: Run
  try {
    // Decides between simultaneous starts, and between a start and a provisioning call.
    started = await deps.runs.transition(run.id, { to: 'QUEUING', from: ['PROVISIONED'] })
  } catch (error) {
    throw inInvalidState(error)
  }
  try {
    await deps.workflow.start(run.id)
  } catch (error) {
    await deps.runs.transition(run.id, {
      to: 'FAILED',
      set: { failure: { kind: 'engine-error', message: 'the workflow of the run could not be started' } },
    })
    throw error
  }
  return started
}

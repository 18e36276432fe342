import { DomainError } from '../contract/errors.ts'
import { stateError } from '../run/find-run.ts'
import type { Run, RunFailure } from '../run/run.ts'
import { type RunRepository, RunStateConflictError } from '../run/run-repository.ts'
import { type StopRunDependencies, stopRun } from './stop-run.ts'

interface Dependencies extends StopRunDependencies {
  readonly runs: RunRepository
}

const CANCELLED: RunFailure = { kind: 'cancelled', message: 'the run was cancelled' }

/**
 * Ends a run, started or not, as FAILED with kind `cancelled`, and stops its workflow and job.
 * Idempotent: a repeated call stops what is left.
 * @throws DomainError RUN_NOT_FOUND; INTERNAL_INVALID_TASK_RUN_STATE when the run has ended in another way
 */
export async function cancelRun(deps: Dependencies, runId: string): Promise<Run> {
  const cancelled = await endCancelled(deps.runs, runId)
  await stopRun(deps, cancelled, CANCELLED.message)
  return cancelled
}

async function endCancelled(runs: RunRepository, runId: string): Promise<Run> {
  try {
    return await runs.transition(runId, { to: 'FAILED', set: { failure: CANCELLED } })
  } catch (error) {
    if (!(error instanceof RunStateConflictError)) throw error
    if (error.run === undefined) throw new DomainError('RUN_NOT_FOUND')
    if (error.run.failure?.kind === 'cancelled') return error.run
    throw stateError(error.run.state, 'a run that has ended cannot be cancelled')
  }
}

import { DomainError } from '../contract/errors.ts'
import { isSetId, MAX_ROUNDS } from '../contract/set-run-id.ts'
import { executionNameOf, isUnfinished, type RunSet, type SetState } from '../run/set/run-set.ts'
import type { RunSetChange } from '../run/set/run-set-repository.ts'
import type { RunSetWorkflow } from '../run/set/run-set-workflow.ts'
import type { ReportProblem } from '../shared/report-problem.ts'
import { startExecution } from './create-run-set.ts'
import { countRunSet, type DescribeDependencies, findRunSet } from './describe-run-set.ts'

/** Ports of cancellation, retry and removal of sets. */
export interface EndRunSetDependencies extends DescribeDependencies {
  readonly setWorkflow: RunSetWorkflow
  readonly report: ReportProblem
}

const CANCELLED = 'the run set was cancelled'
const DELETED = 'the run set was deleted'

/**
 * Cancels a set: no further run starts, and its workflow cancels the runs that have not ended. Idempotent.
 * @throws DomainError RUN_SET_NOT_FOUND; RUN_SET_INVALID_STATE when it has ended
 */
export async function cancelRunSet(deps: EndRunSetDependencies, setId: string): Promise<RunSet> {
  const runSet = await findRunSet(deps, setId)
  const { state } = await countRunSet(deps, runSet)
  if (state === 'CANCELLED') return runSet
  if (state !== 'VALIDATING' && state !== 'RUNNING')
    throw stateError(state, 'only a set that has not ended can be cancelled')
  const changed = await replaceExecution(deps, runSet, { set: { phase: 'cancelling' } }, CANCELLED)
  // Undefined: a concurrent worker has changed the phase. Try again.
  return changed ?? cancelRunSet(deps, setId)
}

/**
 * Starts another round: new runs of the rows that failed, with the same inputs, and runs of the rows that got none. A table that was
 * not validated before the set was cancelled is validated first.
 * @throws DomainError RUN_SET_NOT_FOUND; RUN_SET_INVALID_STATE when the set has not ended, its table was refused, or no row failed or
 * was skipped
 */
export async function retryRunSet(deps: EndRunSetDependencies, setId: string): Promise<RunSet> {
  const runSet = await findRunSet(deps, setId)
  const { state, counts } = await countRunSet(deps, runSet)
  if (runSet.phase === 'invalid') {
    throw stateError(
      state,
      'its table was refused, so it has no runs to retry; correct the table and create another set',
    )
  }
  const hasEnded = !isUnfinished(runSet) || (runSet.phase === 'running' && state === 'FINISHED')
  if (!hasEnded) throw stateError(state, 'only a set whose runs have ended can be retried')
  const isValidated = runSet.creatingRows !== undefined || counts.finished + counts.failed > 0
  if (isValidated && counts.failed + counts.skipped === 0) {
    throw stateError(state, 'every row has a finished run, so nothing can be retried')
  }
  if (runSet.round >= MAX_ROUNDS)
    throw stateError(state, `it was retried ${MAX_ROUNDS - 1} times, which is the limit`)
  const change = { set: nextRound(runSet, isValidated), remove: ['failure'] } as const
  const changed = await replaceExecution(deps, runSet, change, 'a retry begins')
  return changed ?? retryRunSet(deps, setId)
}

function nextRound({ round, roundRows, executions }: RunSet, isValidated: boolean): Partial<RunSet> {
  const common = { round: round + 1, done: 0, firstExecution: executions + 1, problems: [], problemCount: 0 }
  if (isValidated) return { ...common, phase: 'creating', roundRows: [...roundRows, 0], creatingRows: [] }
  return { ...common, phase: 'validating', roundRows: [0, ...roundRows.map(() => 0)] }
}

/** Hides a set, and starts the workflow that deletes it with its runs. An unknown set counts as deleted. */
export async function deleteRunSet(deps: EndRunSetDependencies, setId: string): Promise<void> {
  const runSet = isSetId(setId) ? await deps.sets.beginRemoval(setId) : undefined
  if (runSet === undefined) return
  await stopExecution(deps, { ...runSet, executions: runSet.executions - 1 }, DELETED)
  await startExecution(deps, runSet)
}

/** @returns undefined when the set has changed since it was read */
async function replaceExecution(
  deps: EndRunSetDependencies,
  runSet: RunSet,
  change: Omit<RunSetChange, 'if'>,
  reason: string,
): Promise<RunSet | undefined> {
  const { phase, executions } = runSet
  const changed = await deps.sets.change(runSet.id, {
    ...change,
    set: { ...change.set, executions: executions + 1 },
    if: { phase, executions },
  })
  if (changed === undefined) return undefined
  await stopExecution(deps, runSet, reason)
  await startExecution(deps, changed)
  return changed
}

/** Stops the set's execution. A failure is reported only: a remaining execution finds its runs ended and the set in another phase. */
async function stopExecution(
  { setWorkflow, report }: EndRunSetDependencies,
  runSet: RunSet,
  reason: string,
): Promise<void> {
  try {
    await setWorkflow.stop(executionNameOf(runSet), reason)
  } catch (error) {
    report('workflow not stopped', { runId: runSet.id }, error)
  }
}

function stateError(state: SetState, expected: string): DomainError {
  return new DomainError('RUN_SET_INVALID_STATE', undefined, {
    words: `the run set is ${state}; ${expected}`,
  })
}

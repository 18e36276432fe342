import { executionNameOf, type RunSet } from '../run/set/run-set.ts'
import type { RunSetRepository } from '../run/set/run-set-repository.ts'
import type { RunSetWorkflow } from '../run/set/run-set-workflow.ts'
import type { Identity } from '../shared/identity.ts'

interface Dependencies {
  readonly identity: Identity
  readonly sets: RunSetRepository
  readonly setWorkflow: RunSetWorkflow
  readonly settings: { readonly graceSeconds: number }
}

interface SetSweep {
  readonly isTimeUp: () => boolean
  /** Called for a set whose workflow was not running and was started. */
  readonly onStarted: (setId: string) => void
  /** Called for a set that could not be processed; the sweep continues with the others. */
  readonly onProblem: (setId: string, error: unknown) => void
}

/** Maximum number of sets in one sweep; the others wait for the next one. */
const MAX_SETS = 1000

/** Maximum number of further executions of a round until its runs are created: a table may crash every worker. */
const MAX_REPEATED_EXECUTIONS = 20

/**
 * Starts the workflow of sets that have work but no running execution, because its start was lost or it failed. A new execution
 * continues from the set's record, and takes over runs in progress.
 */
export async function sweepRunSets(deps: Dependencies, sweep: SetSweep): Promise<void> {
  const until = new Date(deps.identity.now().getTime() - deps.settings.graceSeconds * 1000)
  for (const setId of await deps.sets.listUnfinished(until, MAX_SETS)) {
    if (sweep.isTimeUp()) return
    try {
      if (await restart(deps, setId)) sweep.onStarted(setId)
    } catch (error) {
      sweep.onProblem(setId, error)
    }
  }
}

async function restart({ sets, setWorkflow }: Dependencies, setId: string): Promise<boolean> {
  const found = await sets.find(setId)
  const runSet = found ?? (await sets.findInRemoval(setId))
  if (runSet === undefined) return false
  const status = await setWorkflow.findStatus(executionNameOf(runSet))
  if (status === 'RUNNING') return false
  // The name of an execution cannot be used twice.
  const next = status === undefined ? runSet : await nextExecution(sets, runSet, found !== undefined)
  if (next === undefined) return false
  await setWorkflow.start(executionNameOf(next))
  return true
}

/** @returns undefined when another call has changed or removed the set */
async function nextExecution(
  sets: RunSetRepository,
  { id, executions, phase, round, firstExecution = round }: RunSet,
  isVisible: boolean,
): Promise<RunSet | undefined> {
  if (!isVisible) return sets.beginRemoval(id)
  const isBeginning = phase === 'validating' || phase === 'creating'
  const hasFailed = isBeginning && executions - firstExecution >= MAX_REPEATED_EXECUTIONS
  const end = { phase: 'cancelling', failure: 'the runs could not be created from the table' } as const
  return sets.change(id, {
    set: { executions: executions + 1, ...(hasFailed && end) },
    if: { executions, phase },
  })
}

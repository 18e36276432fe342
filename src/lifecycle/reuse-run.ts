import { copyEqualOutputs, type ReuseDependencies } from '../outputs/reuse-outputs.ts'
import type { RunAndTask } from '../run/find-run.ts'
import type { NotReused, Run } from '../run/run.ts'
import type { RunRepository } from '../run/run-repository.ts'

interface Dependencies extends ReuseDependencies {
  readonly runs: RunRepository
}

/** What became of the attempt: one of both. */
export interface Reuse {
  readonly finished?: Run
  readonly notReused?: NotReused
}

/**
 * Ends a PROVISIONED run with the outputs of an equal one, by one conditional write. It is found as an equal run itself from then on, so that
 * the first one may be deleted.
 * @param provisions that it would start with: its own and defaults
 * @returns the FINISHED run, or why it must be executed
 * @throws RunStateConflictError when the run has changed meanwhile; then nothing is left of the outputs
 */
export async function finishByReuse(
  deps: Dependencies,
  { run, task }: RunAndTask,
  provisions: Run['provisions'] = run.provisions,
): Promise<Reuse> {
  const reused = await copyEqualOutputs(deps, { run: { ...run, provisions }, task })
  if ('reason' in reused) return { notReused: reused }
  const { resultKey } = reused
  try {
    const finished = await deps.runs.transition(run.id, {
      to: 'FINISHED',
      from: ['PROVISIONED'],
      ifProvisions: run.provisions,
      set: { ...reused, provisions },
    })
    await deps.runs.recordResult({ id: run.id, resultKey })
    return { finished }
  } catch (error) {
    // After a lost answer the run may have ended with these outputs.
    const present = await deps.runs.find(run.id)
    if (present?.outputsPrefix === reused.outputsPrefix) return { finished: present }
    await deps.objects.removeAll(reused.outputsPrefix)
    throw error
  }
}

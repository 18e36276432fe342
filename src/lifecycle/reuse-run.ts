import { copyEqualOutputs, type ReuseDependencies } from '../outputs/reuse-outputs.ts'
import type { RunAndTask } from '../run/find-run.ts'
import type { NotReused, Run } from '../run/run.ts'
import { type RunRepository, RunStateConflictError } from '../run/run-repository.ts'
import type { ReportProblem } from '../shared/report-problem.ts'

interface Dependencies extends ReuseDependencies {
  readonly report: ReportProblem
  readonly runs: RunRepository
}

/** Outcome of the attempt: exactly one of the two is set. */
export interface Reuse {
  readonly finished?: Run
  readonly notReused?: NotReused
}

interface Attempt {
  /** Provisions that the run would start with, including defaults; absent: the run's own. */
  readonly provisions?: Run['provisions']
  /** Milliseconds that remain for copying. */
  readonly timeLeftMs: () => number
}

/**
 * Ends a PROVISIONED run with the outputs of an equal one, by one conditional write. From then on, equal runs find this run, so the
 * earlier one may be deleted. After any failure except a change of the run, the run must be executed.
 * @returns the FINISHED run, or why it must be executed
 * @throws RunStateConflictError when the run has changed meanwhile; the copied outputs are then removed
 */
export async function finishByReuse(deps: Dependencies, found: RunAndTask, attempt: Attempt): Promise<Reuse> {
  try {
    return await tryReuse(deps, found, attempt)
  } catch (error) {
    if (error instanceof RunStateConflictError) throw error
    deps.report('outputs of an equal run not copied', { runId: found.run.id }, error)
    return { notReused: COPY_FAILED }
  }
}

const COPY_FAILED: NotReused = {
  reason: 'copy-failed',
  message: 'an error in this service interrupted the search for an equal run, or the copy of its outputs',
}

async function tryReuse(
  deps: Dependencies,
  { run, task }: RunAndTask,
  { provisions = run.provisions, timeLeftMs }: Attempt,
): Promise<Reuse> {
  const reused = await copyEqualOutputs(deps, { run: { ...run, provisions }, task }, timeLeftMs)
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
    // The run may have ended with these outputs although the response was lost.
    const present = await deps.runs.find(run.id)
    if (present?.outputsPrefix === reused.outputsPrefix) return { finished: present }
    // After any other error the write may still take effect, so the copies stay until the run is deleted.
    if (error instanceof RunStateConflictError) await deps.objects.removeAll(reused.outputsPrefix)
    throw error
  }
}

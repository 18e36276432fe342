import type { Run, RunFailure } from '../domain/run/run.ts'
import { ACTIVE_STATES } from '../domain/run/transitions.ts'
import { type JobScheduler, type RunRepository, RunStateConflictError } from '../ports.ts'

/** How Step Functions names a step that took too long. */
const TIMED_OUT = 'States.Timeout'

/**
 * Ends a run whose workflow went wrong, and with it the job that may still be there. A run that has its end already keeps it:
 * then the error only repeats what a job event or the collection of outputs has told better.
 * @param cause what the failed step said, in whatever form
 */
export async function failRun(
  deps: { readonly runs: RunRepository; readonly scheduler: JobScheduler },
  input: { readonly runId: string; readonly error: string; readonly cause: string },
): Promise<void> {
  const failure: RunFailure =
    input.error === TIMED_OUT
      ? { kind: 'time-out', message: 'the run did not end within the time that this installation allows' }
      : { kind: 'engine-error', message: `the run could not be carried out: ${input.cause || input.error}` }
  let ended: Run
  try {
    ended = await deps.runs.transition(input.runId, { to: 'FAILED', from: ACTIVE_STATES, set: { failure } })
  } catch (error) {
    if (!(error instanceof RunStateConflictError)) throw error
    return
  }
  // If this dies, the sweeper finds a job without a run that wants it.
  if (ended.job?.jobId !== undefined) await deps.scheduler.terminate(ended.job.jobId, failure.message)
}

import { SUBMIT_ERRORS } from '../contract/workflow-errors.ts'
import type { JobScheduler } from '../run/job/job-scheduler.ts'
import type { Run, RunFailure } from '../run/run.ts'
import { type RunRepository, RunStateConflictError } from '../run/run-repository.ts'
import { ACTIVE_STATES } from '../run/transitions.ts'

/** How Step Functions names a step that took too long. */
const TIMED_OUT = 'States.Timeout'

/** What callers are told, by the name of the error; what the step itself said is for the log alone. */
const FAILURES: Readonly<Record<string, RunFailure>> = {
  [TIMED_OUT]: {
    kind: 'time-out',
    message: 'the run did not end within the time that this installation allows',
  },
  [SUBMIT_ERRORS.refused]: {
    kind: 'engine-error',
    message:
      'AWS Batch refused the job of the run; the operators find the reason in the log, by the id of the run',
  },
  [SUBMIT_ERRORS.throttled]: {
    kind: 'engine-error',
    message: 'AWS Batch had no time for the job of the run in half an hour; start another run later',
  },
}

const UNKNOWN: RunFailure = {
  kind: 'engine-error',
  message:
    'the App Engine could not carry out the run; the task is not at fault. Start another run; the operators find the error in the log, by the id of the run',
}

/**
 * Ends a run whose workflow went wrong, and with it the job that may still be there. A run that has its end already keeps it:
 * then the error only repeats what a job event or the collection of outputs has told better.
 * @param input.error name that the workflow knows the failure by
 * @param input.cause what the failed step said, for the log: it may be a stack trace
 */
export async function failRun(
  deps: { readonly runs: RunRepository; readonly scheduler: JobScheduler },
  input: { readonly runId: string; readonly error: string; readonly cause: string },
): Promise<void> {
  const failure = Object.hasOwn(FAILURES, input.error) ? (FAILURES[input.error] ?? UNKNOWN) : UNKNOWN
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

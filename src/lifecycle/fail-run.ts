import { placeInSet } from '../contract/set-run-id.ts'
import { SUBMIT_ERRORS } from '../contract/workflow-errors.ts'
import type { JobScheduler } from '../run/job/job-scheduler.ts'
import type { RunFailure } from '../run/run.ts'
import { type RunRepository, RunStateConflictError } from '../run/run-repository.ts'
import { ACTIVE_STATES, type RunState } from '../run/transitions.ts'
import { ignoring } from '../shared/ignoring.ts'

/** Error name of Step Functions for a state that timed out. */
const TIMED_OUT = 'States.Timeout'

/** Failure shown to clients, by error name. The step's own message goes to the log only. */
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
    message: 'AWS Batch throttled the job of the run for half an hour; start another run later',
  },
}

const UNKNOWN: RunFailure = {
  kind: 'engine-error',
  message:
    'the App Engine could not execute the run; the task is not at fault. Start another run; the operators find the error in the log, by the id of the run',
}

/**
 * Fails a run whose workflow failed, and terminates its job. A run that has ended keeps its failure, which is more
 * specific.
 * @param input.error error name in the workflow
 * @param input.cause message of the failed step, for the log: may be a stack trace
 */
export async function failRun(
  deps: { readonly runs: RunRepository; readonly scheduler: JobScheduler },
  input: { readonly runId: string; readonly error: string; readonly cause: string },
): Promise<void> {
  const failure = Object.hasOwn(FAILURES, input.error) ? (FAILURES[input.error] ?? UNKNOWN) : UNKNOWN
  const { runId } = input
  const ending = deps.runs.transition(runId, { to: 'FAILED', from: statesOf(runId), set: { failure } })
  const ended = await ignoring(ending, RunStateConflictError)
  // If this crashes, the sweeper terminates the job.
  if (ended?.job?.jobId !== undefined) await deps.scheduler.terminate(ended.job.jobId, failure.message)
}

/** States of a run whose workflow may fail. A run of a set is started by its workflow's first step, so it may still be PROVISIONED. */
function statesOf(runId: string): readonly RunState[] {
  return placeInSet(runId) === undefined ? ACTIVE_STATES : ['PROVISIONED', ...ACTIVE_STATES]
}

/** Error of a job that failed; its run has already ended, with a reason. */
export const JOB_FAILED = 'JobFailed'

/** Errors of a submission. The workflow ends the run on `refused`, and submits again on the others. */
export const SUBMIT_ERRORS = {
  throttled: 'JobThrottled',
  refused: 'JobRefused',
  interrupted: 'SubmissionInterrupted',
} as const

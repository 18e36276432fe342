/** Reasons for which a run is executed although it might take the outputs of an equal one. */
export const NOT_REUSED_REASONS = [
  /** No FINISHED run is known with the same image and inputs. */
  'no-equal-run',
  /** An input has no digest that this service or S3 computed. */
  'input-not-digested',
  /** The outputs of the equal run are too large to be copied during a call. */
  'outputs-too-large',
  /** The equal run was deleted while its outputs were copied. */
  'run-deleted',
  /** The outputs of the equal run could not be copied in the time of a call. */
  'copy-too-slow',
  /** The copy, or a read that it needs, failed. */
  'copy-failed',
] as const

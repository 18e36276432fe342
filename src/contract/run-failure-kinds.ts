/** Causes of failed runs; a closed list, so that clients can rely on it. */
export const RUN_FAILURE_KINDS = [
  'task-failed',
  'out-of-memory',
  'time-out',
  'image-unavailable',
  'unschedulable',
  'host-lost',
  'input-staging-failed',
  'output-staging-failed',
  'output-missing',
  'output-invalid',
  'cancelled',
  'engine-error',
] as const

export type RunFailureKind = (typeof RUN_FAILURE_KINDS)[number]

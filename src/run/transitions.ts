/** The eight states that core and its web client know; a ninth would show as a question mark. */
export const RUN_STATES = [
  'CREATED',
  'PROVISIONED',
  'QUEUING',
  'QUEUED',
  'PENDING',
  'RUNNING',
  'FAILED',
  'FINISHED',
] as const

export type RunState = (typeof RUN_STATES)[number]

/**
 * What may follow what (contract run-lifecycle 2.2). From QUEUING on the rank only grows; events may be lost, so steps may be
 * skipped. A run that was never started can fail in one way only: it is cancelled.
 */
const FOLLOWERS: Readonly<Record<RunState, readonly RunState[]>> = {
  CREATED: ['PROVISIONED', 'FAILED'],
  PROVISIONED: ['CREATED', 'QUEUING', 'FAILED'],
  QUEUING: ['QUEUED', 'PENDING', 'RUNNING', 'FAILED', 'FINISHED'],
  QUEUED: ['PENDING', 'RUNNING', 'FAILED', 'FINISHED'],
  PENDING: ['RUNNING', 'FAILED', 'FINISHED'],
  RUNNING: ['FAILED', 'FINISHED'],
  FAILED: [],
  FINISHED: [],
}

/** States from which `to` may be reached; the condition of the write that makes the transition. */
export function statesBefore(to: RunState): readonly RunState[] {
  return RUN_STATES.filter((from) => FOLLOWERS[from].includes(to))
}

export function canFollow(from: RunState, to: RunState): boolean {
  return FOLLOWERS[from].includes(to)
}

export function isFinal(state: RunState): boolean {
  return FOLLOWERS[state].length === 0
}

/** Handed to the execution environment and not ended: the sweeper looks after these. */
export function isActive(state: RunState): boolean {
  return !isFinal(state) && !isProvisionable(state)
}

/** States in which inputs may still change. */
export function isProvisionable(state: RunState): boolean {
  return state === 'CREATED' || state === 'PROVISIONED'
}

/** {@link isActive} as a list: what the engine alone may end. */
export const ACTIVE_STATES: readonly RunState[] = RUN_STATES.filter(isActive)

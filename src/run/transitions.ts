/** The eight states that core and its web client know. */
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
 * Transition table (contract run-lifecycle 2.2). Events may be lost, so states may be skipped. A run that was not started becomes FAILED
 * only when it is cancelled, and FINISHED only when it takes the outputs of an equal run.
 */
const FOLLOWERS: Readonly<Record<RunState, readonly RunState[]>> = {
  CREATED: ['PROVISIONED', 'FAILED'],
  PROVISIONED: ['CREATED', 'QUEUING', 'FAILED', 'FINISHED'],
  QUEUING: ['QUEUED', 'PENDING', 'RUNNING', 'FAILED', 'FINISHED'],
  QUEUED: ['PENDING', 'RUNNING', 'FAILED', 'FINISHED'],
  PENDING: ['RUNNING', 'FAILED', 'FINISHED'],
  RUNNING: ['FAILED', 'FINISHED'],
  FAILED: [],
  FINISHED: [],
}

/** States with a transition to `to`. */
export function statesBefore(to: RunState): readonly RunState[] {
  return RUN_STATES.filter((from) => FOLLOWERS[from].includes(to))
}

/** Whether the table has the transition. */
export function canFollow(from: RunState, to: RunState): boolean {
  return FOLLOWERS[from].includes(to)
}

/** Whether no transition leads out of the state. */
export function isFinal(state: RunState): boolean {
  return FOLLOWERS[state].length === 0
}

/** Whether a run is started and not ended: QUEUING to RUNNING. */
export function isActive(state: RunState): boolean {
  return !isFinal(state) && !isProvisionable(state)
}

/** Whether inputs may change. */
export function isProvisionable(state: RunState): boolean {
  return state === 'CREATED' || state === 'PROVISIONED'
}

/** States for which {@link isActive} is true. */
export const ACTIVE_STATES: readonly RunState[] = RUN_STATES.filter(isActive)

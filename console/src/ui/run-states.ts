import type { RunState } from '../api/types.ts'

export const STATE_KINDS: Readonly<Record<RunState, 'idle' | 'waiting' | 'active' | 'bad' | 'good'>> = {
  CREATED: 'idle',
  PROVISIONED: 'idle',
  QUEUING: 'waiting',
  QUEUED: 'waiting',
  PENDING: 'waiting',
  RUNNING: 'active',
  FAILED: 'bad',
  FINISHED: 'good',
}

export function isFinal(state: RunState): boolean {
  return state === 'FAILED' || state === 'FINISHED'
}

export function isActive(state: RunState): boolean {
  return STATE_KINDS[state] === 'waiting' || STATE_KINDS[state] === 'active'
}

import { placeInSet } from '../../../../src/contract/set-run-id.ts'
import type { Run } from '../../api/types.ts'
import { isActive } from '../../ui/run-states.ts'

/** Actions that the service accepts for a run. */
export interface RunChoices {
  readonly isStartable: boolean
  readonly isRepeatable: boolean
  /** How the run can be ended or removed. */
  readonly end: 'cancel' | 'delete'
}

export function choicesFor({ id, state, history }: Pick<Run, 'id' | 'state' | 'history'>): RunChoices {
  const isWaiting = state === 'CREATED' || state === 'PROVISIONED'
  // A run that was cancelled before its inputs were complete cannot be repeated.
  const wasProvisioned = history.some((entry) => entry.state !== 'CREATED' && entry.state !== 'FAILED')
  return {
    // A run of a set is started by its set only.
    isStartable: state === 'PROVISIONED' && placeInSet(id) === undefined,
    isRepeatable: !isWaiting && wasProvisioned,
    end: isActive(state) ? 'cancel' : 'delete',
  }
}

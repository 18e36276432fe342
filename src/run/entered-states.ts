import type { EnteredState, Run } from './run.ts'
import type { RunTransition } from './run-repository.ts'
import { RUN_STATES, type RunState } from './transitions.ts'

/** Attributes of {@link Run.entered} that a transition records. */
export function enteredState({ set, attempt, ifJob }: RunTransition, at: string): EnteredState {
  const known = set?.job?.attempt ?? attempt ?? ifJob?.attempt ?? set?.failure?.attempt
  return { at, ...(known !== undefined && { attempt: known }) }
}

/** Entry of a run's history. */
interface HistoryEntry extends EnteredState {
  readonly state: RunState
}

/**
 * States of a run by time, at most nine: the creation, and the last time that it entered each state. A run alternates between CREATED and
 * PROVISIONED while its inputs change; only the last of these changes is known.
 */
export function historyOf({ state: present, createdAt, entered }: Run): readonly HistoryEntry[] {
  const again = RUN_STATES.flatMap((state) => {
    const one = entered[state]
    return one === undefined || (state === 'CREATED' && present !== 'CREATED') ? [] : [{ state, ...one }]
  })
  // The sort is stable, so states of one millisecond stay in their order.
  return [{ state: 'CREATED', at: createdAt }, ...again.sort((a, b) => compareText(a.at, b.at))]
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Start of the task's first container, as the engine recorded it. */
export function startedAt({ entered }: Pick<Run, 'entered'>): string | undefined {
  return entered.RUNNING?.at
}

/** End of the run. */
export function endedAt({ entered }: Pick<Run, 'entered'>): string | undefined {
  return (entered.FINISHED ?? entered.FAILED)?.at
}

import type { RunTransition } from './run-repository.ts'
import { type RunState, statesBefore } from './transitions.ts'

/** States in which a run may make this transition: those of the transition table that are in `from`. */
export function statesAllowedBefore({ to, from }: Pick<RunTransition, 'to' | 'from'>): readonly RunState[] {
  return statesBefore(to).filter((state) => from === undefined || from.includes(state))
}

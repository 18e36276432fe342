import type { RunTransition } from './run-repository.ts'
import { type RunState, statesBefore } from './transitions.ts'

/** States from which this transition may be made: the table's, cut to `from`. */
export function statesAllowedBefore({ to, from }: Pick<RunTransition, 'to' | 'from'>): readonly RunState[] {
  return statesBefore(to).filter((state) => from === undefined || from.includes(state))
}

import { InvalidArgumentError, Option } from 'commander'
import { RUN_STATES } from '../../src/run/transitions.ts'

/** Option `-i`, which may be repeated. */
export function inputOption(description: string): Option {
  return new Option('-i, --input <name=value>', description)
    .argParser((value, values: readonly string[]) => [...values, value])
    .default([], 'none')
}

/**
 * A run state, given in any letter case.
 * @throws InvalidArgumentError
 */
export function stateOf(text: string): string {
  const state = RUN_STATES.find((one) => one === text.toUpperCase())
  if (state === undefined) throw new InvalidArgumentError(`Allowed choices are ${RUN_STATES.join(', ')}.`)
  return state
}

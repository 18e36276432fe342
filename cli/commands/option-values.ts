import { InvalidArgumentError, Option } from 'commander'
import { RUN_STATES } from '../../src/run/transitions.ts'

/** The option that gives an input its value, once for each input. */
export function inputOption(description: string): Option {
  return new Option('-i, --input <name=value>', description)
    .argParser((value, values: readonly string[]) => [...values, value])
    .default([], 'none')
}

/** @throws InvalidArgumentError for anything but a state of runs, in any letter case */
export function stateOf(text: string): string {
  const state = RUN_STATES.find((one) => one === text.toUpperCase())
  if (state === undefined) throw new InvalidArgumentError(`Allowed choices are ${RUN_STATES.join(', ')}.`)
  return state
}

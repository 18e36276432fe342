import { createHash } from 'node:crypto'

/** Throws one of the named dice: a number from 0 to 1, 1 excluded. */
export type Roll = (name: string) => number

/**
 * Dice that fall the same way for the same seed: the nth throw of a name depends on nothing but seed, name and n, so that how the
 * throws of different names mix by time changes none of them.
 */
export function createDice(seed: number): Roll {
  const thrown = new Map<string, number>()
  return (name) => {
    const index = thrown.get(name) ?? 0
    thrown.set(name, index + 1)
    return createHash('sha256').update(`${seed} ${index} ${name}`).digest().readUInt32BE() / 2 ** 32
  }
}

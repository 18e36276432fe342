import { createHash } from 'node:crypto'

/** Returns a pseudorandom number from 0 to 1, 1 excluded, from the stream of that name. */
export type RandomSource = (name: string) => number

/**
 * Random numbers that depend on seed, name and index only: the nth number of a name does not depend on the numbers that were drawn for
 * other names.
 */
export function createSeededRandom(seed: number): RandomSource {
  const drawn = new Map<string, number>()
  return (name) => {
    const index = drawn.get(name) ?? 0
    drawn.set(name, index + 1)
    return createHash('sha256').update(`${seed} ${index} ${name}`).digest().readUInt32BE() / 2 ** 32
  }
}

import { createHash } from 'node:crypto'
import { placeInSet } from '../set/set-run-id.ts'

/** Share of all runs outside of sets. */
const SINGLE_RUNS = 'runs'

/** Batch takes 500 shares that are in use in a queue. Two sets that meet in one of these share it. */
const SHARES = 400

/** Share of the queue that a run counts for: one for all runs outside of sets, and about one for each set. */
export function shareOf(runId: string): string {
  const place = placeInSet(runId)
  if (place === undefined) return SINGLE_RUNS
  return `set${createHash('sha256').update(place.setId).digest().readUInt32BE() % SHARES}`
}

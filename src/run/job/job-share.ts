import { createHash } from 'node:crypto'
import { placeInSet } from '../../contract/set-run-id.ts'

/** Share of all runs outside of sets. */
const SINGLE_RUNS = 'runs'

/** Number of shares for sets; Batch allows 500 in use per queue. Sets with the same remainder have the same share. */
const SHARES = 400

/** Share of the queue for a run: one for all runs outside of sets, and approximately one for each set. */
export function shareOf(runId: string): string {
  const place = placeInSet(runId)
  if (place === undefined) return SINGLE_RUNS
  return `set${createHash('sha256').update(place.setId).digest().readUInt32BE() % SHARES}`
}

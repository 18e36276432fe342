import type { Identity } from '../../src/shared/identity.ts'

/** A call is answered within 29 s, and what is under way when this time is up takes a few seconds more. */
const DELETION_SECONDS = 18

/** Whether a deletion should leave the rest to the sweeper, so that its call is answered in time. */
export function deletionTime({ now }: Identity): () => boolean {
  const end = now().getTime() + DELETION_SECONDS * 1000
  return () => now().getTime() >= end
}

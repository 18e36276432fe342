import type { Identity } from '../../src/shared/identity.ts'

/** Time for the work of one call, which must end within 29 s: work in progress may take a few seconds more. */
const DELETION_SECONDS = 18

/** Whether a deletion should leave the rest to the sweeper, so that its call ends in time. */
export function deletionTime({ now }: Identity): () => boolean {
  const end = now().getTime() + DELETION_SECONDS * 1000
  return () => now().getTime() >= end
}

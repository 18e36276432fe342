import { randomUUID } from 'node:crypto'

/** Current time and new identifiers; fixed in tests. */
export interface Identity {
  now(): Date
  /** A random lower-case UUID. */
  uuid(): string
}

/** System clock and random UUIDs. */
export const systemIdentity: Identity = { now: () => new Date(), uuid: () => randomUUID() }

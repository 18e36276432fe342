import { randomUUID } from 'node:crypto'
import type { Identity } from '../ports.ts'

/** The process's clock and random UUIDs. */
export const systemIdentity: Identity = { now: () => new Date(), uuid: () => randomUUID() }

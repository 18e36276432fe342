import { KEY_LEASE_SECONDS, KEY_SECONDS } from '../../src/contract/idempotency.ts'
import {
  type HeldKey,
  type IdempotencyRepository,
  type StoredAnswer,
  scopedKey,
} from '../../src/idempotency/idempotency-repository.ts'
import type { Identity } from '../../src/shared/identity.ts'

interface Entry {
  readonly fingerprint: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
  claimId: string
  leaseUntil: number
  answer?: StoredAnswer
}

/** In-memory repository of idempotency keys for tests. */
export function createMemoryIdempotencyRepository(identity: Identity): IdempotencyRepository {
  const entries = new Map<string, Entry>()
  const heldBy = (held: HeldKey): Entry | undefined => {
    const entry = entries.get(scopedKey(held))
    return entry?.claimId === held.claimId ? entry : undefined
  }

  return {
    async claim({ fingerprint, ...key }) {
      const time = identity.now().getTime()
      const entry = entries.get(scopedKey(key))
      const held = { ...key, claimId: identity.uuid() }
      const claim = { claimId: held.claimId, leaseUntil: time + KEY_LEASE_SECONDS * 1000 }
      if (entry === undefined || entry.expiresAt <= time) {
        entries.set(scopedKey(key), { fingerprint, expiresAt: time + KEY_SECONDS * 1000, ...claim })
        return { kind: 'claimed', held }
      }
      if (entry.fingerprint !== fingerprint) return { kind: 'other-request' }
      if (entry.answer !== undefined) return { kind: 'answered', answer: structuredClone(entry.answer) }
      if (entry.leaseUntil > time) return { kind: 'under-way' }
      Object.assign(entry, claim)
      return { kind: 'claimed', held }
    },

    async complete(held, answer) {
      const entry = heldBy(held)
      if (entry !== undefined) entry.answer = structuredClone(answer)
    },

    async release(held) {
      if (heldBy(held) !== undefined) entries.delete(scopedKey(held))
    },
  }
}

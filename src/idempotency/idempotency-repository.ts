import * as z from 'zod'
import type { Immutable } from '../contract/immutable.ts'

export const storedAnswerSchema = z.object({
  status: z.number(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
})
/** Response of the first call with a key. */
export type StoredAnswer = Immutable<z.infer<typeof storedAnswerSchema>>

/** Key as the client chose it. Clients do not share keys. */
interface CallersKey {
  readonly key: string
  /** Authenticated principal. Absent for calls without credentials, which count as one client. */
  readonly caller?: string
}

/** Key with the fingerprint of its request. */
interface KeyedRequest extends CallersKey {
  /** SHA-256 of method, path, query and content. */
  readonly fingerprint: string
}

/** A key that this call holds. */
export interface HeldKey extends CallersKey {
  readonly claimId: string
}

/** Text that is unique for client and key. */
export function scopedKey({ key, caller }: CallersKey): string {
  return JSON.stringify(caller === undefined ? [key] : [key, caller])
}

/** Outcome of a claim. */
export type Claim =
  | { readonly kind: 'claimed'; readonly held: HeldKey }
  | { readonly kind: 'answered'; readonly answer: StoredAnswer }
  /** Another call holds the key. */
  | { readonly kind: 'under-way' }
  /** The key belongs to another request. */
  | { readonly kind: 'other-request' }

/**
 * Stores idempotency keys with the responses of their calls, for `KEY_SECONDS` after the first call. A claim is a conditional write, so
 * only one of several concurrent calls gets the key.
 */
export interface IdempotencyRepository {
  /**
   * Claims a key that is unknown or expired. The key of a call that has not ended within `KEY_LEASE_SECONDS` can be claimed by a call
   * with the same fingerprint; it still expires `KEY_SECONDS` after its first claim.
   */
  claim(request: KeyedRequest): Promise<Claim>
  /** Stores the response, unless another call has claimed the key since. */
  complete(held: HeldKey, answer: StoredAnswer): Promise<void>
  /** Removes the key, unless another call has claimed it since. */
  release(held: HeldKey): Promise<void>
}

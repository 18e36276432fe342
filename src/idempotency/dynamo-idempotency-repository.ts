import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { DynamoOptions, Item, ItemKey } from '../aws/dynamo-table.ts'
import { type Condition, createDynamoWrites, IS_NEW } from '../aws/dynamo-writes.ts'
import { TABLE } from '../contract/environment.ts'
import { KEY_LEASE_SECONDS, KEY_SECONDS } from '../contract/idempotency.ts'
import {
  type Claim,
  type HeldKey,
  type IdempotencyRepository,
  scopedKey,
  storedAnswerSchema,
} from './idempotency-repository.ts'

const EXPIRES_AT = TABLE.timeToLive

const itemSchema = z.object({
  fingerprint: z.string(),
  /** Seconds since 1970. */
  leaseUntil: z.number(),
  answer: storedAnswerSchema.optional(),
})

/** Key of an item. Clients choose the keys; their hashes have a fixed length and keep the keys out of the table. */
function itemKey(key: Parameters<typeof scopedKey>[0]): ItemKey {
  return { pk: `IDEMPOTENCY#${createHash('sha256').update(scopedKey(key)).digest('hex')}`, sk: 'IDEMPOTENCY' }
}

/** Idempotency keys in the table, one item each. */
export function createDynamoIdempotencyRepository(options: DynamoOptions): IdempotencyRepository {
  const { identity } = options
  const writes = createDynamoWrites(options)
  const now = (): number => Math.floor(identity.now().getTime() / 1000)

  return {
    async claim({ fingerprint, ...key }) {
      const held = { ...key, claimId: identity.uuid() }
      const time = now()
      const claim = { claimId: held.claimId, leaseUntil: time + KEY_LEASE_SECONDS }
      const first = await writes.update(itemKey(key), {
        set: { ...claim, fingerprint, [EXPIRES_AT]: time + KEY_SECONDS },
        remove: ['answer'],
        // DynamoDB takes days to remove an expired item.
        condition: `${IS_NEW.condition} OR #${EXPIRES_AT} <= :now`,
        values: { ':now': time },
      })
      if (first.isChanged) return { kind: 'claimed', held }
      const known = claimOf(first.item, fingerprint)
      if (known.kind !== 'under-way' || Number(first.item?.leaseUntil) > time) return known
      const next = await writes.update(itemKey(key), {
        set: claim,
        condition: `#leaseUntil <= :now AND #fingerprint = :fingerprint AND attribute_not_exists(#answer) AND #${EXPIRES_AT} > :now`,
        values: { ':now': time, ':fingerprint': fingerprint },
      })
      return next.isChanged ? { kind: 'claimed', held } : claimOf(next.item, fingerprint)
    },

    async complete(held, answer) {
      await writes.update(itemKey(held), { set: { answer }, ...isHeld(held) })
    },

    async release(held) {
      await writes.transact([{ remove: itemKey(held), if: isHeld(held) }])
    },
  }
}

function isHeld({ claimId }: HeldKey): Condition {
  return { condition: '#claimId = :claimId', values: { ':claimId': claimId } }
}

/** Outcome for a call that did not obtain the key. Without an item, another call has just released it. */
function claimOf(item: Item | undefined, fingerprint: string): Claim {
  if (item === undefined) return { kind: 'under-way' }
  const stored = itemSchema.parse(item)
  if (stored.fingerprint !== fingerprint) return { kind: 'other-request' }
  return stored.answer === undefined ? { kind: 'under-way' } : { kind: 'answered', answer: stored.answer }
}

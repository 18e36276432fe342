import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import type { Immutable } from '../contract/immutable.ts'
import { type EngineEvent, EVENT_TYPES } from '../events/event.ts'

/** Maximum number of webhooks for the stage, for each run and for each run set. Concurrent calls may exceed it. */
export const MAX_WEBHOOKS = 20
/** Maximum length of a URL, in UTF-16 units. */
export const MAX_URL_LENGTH = 2000
/** Time for which a webhook of a run or a run set is kept. */
export const SUBJECT_WEBHOOK_SECONDS = 90 * 86_400

/** Start of a secret in the form of Standard Webhooks. */
const SECRET_PREFIX = 'whsec_'
/** Random bytes of a secret; Standard Webhooks allows 24 to 64. */
const SECRET_BYTES = 32

export const webhookSchema = z.object({
  id: z.string(),
  /** Receives events by POST. In the normal form of WHATWG's URL standard. */
  url: z.string(),
  /** Types that it receives; absent: all. */
  types: z.array(z.enum(EVENT_TYPES)).exactOptional(),
  /** Receives events of this run only. */
  runId: z.string().exactOptional(),
  /** Receives events of this run set and of its runs only. */
  runSetId: z.string().exactOptional(),
  /** Key of the signatures, `whsec_…`. Only the response to the creation contains it. */
  secret: z.string(),
  /** ISO-8601 UTC. */
  createdAt: z.string(),
})
/** An address that receives events. */
export type Webhook = Immutable<z.infer<typeof webhookSchema>>

/** Part of a webhook that the publisher reads. */
export type Subscription = Pick<Webhook, 'id' | 'types'>

/** Subject of a webhook: the whole stage, a run or a run set. */
export type WebhookScope = Pick<Webhook, 'runId' | 'runSetId'>

export function createSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64')
}

/** Key of the signatures. */
export function keyOfSecret(secret: string): Buffer {
  return Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
}

/** Whether a webhook is of a run or a run set. */
export function isOfSubject({ runId, runSetId }: WebhookScope): boolean {
  return runId !== undefined || runSetId !== undefined
}

/** Scopes whose webhooks receive an event. */
export function scopesOf({ type, data }: EngineEvent): readonly WebhookScope[] {
  if (type.startsWith('run-set.')) return [{}, { runSetId: data.id }]
  if (!type.startsWith('run.')) return [{}]
  const set = 'set' in data ? data.set : undefined
  return [{}, { runId: data.id }, ...(set ? [{ runSetId: set.id }] : [])]
}

/** Whether a webhook of the right scope receives events of a type. */
export function isSubscribed({ types }: Subscription, type: EngineEvent['type']): boolean {
  return types === undefined || types.includes(type)
}

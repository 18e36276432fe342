import { DELIVERY_PAUSES } from '../contract/webhooks.ts'
import type { Identity } from '../shared/identity.ts'
import type { Delivery, QueuedDeliveries } from './delivery-queue.ts'
import type { Receivers } from './receiver.ts'
import { signatureHeaders } from './sign-event.ts'
import type { WebhookRepository } from './webhook-repository.ts'

export interface DeliverDependencies {
  readonly identity: Identity
  readonly webhooks: Pick<WebhookRepository, 'find'>
  readonly receivers: Receivers
  readonly queue: QueuedDeliveries
}

/** A delivery that was received from the queue. */
export interface QueuedDelivery extends Delivery {
  readonly receiptHandle: string
  /** Number of the attempt, from 1. */
  readonly attempt: number
}

/** Outcome of an attempt; `gone`: the webhook was removed. */
export type DeliveryOutcome =
  | { readonly kind: 'delivered' | 'gone' }
  | { readonly kind: 'failed'; readonly reason: string; readonly pauseSeconds: number }

/**
 * Sends an event to its webhook. After a failure it waits, longer each time, and so do later events of the same subject.
 * @returns the outcome; after `failed`, the message must stay in the queue
 */
export async function deliverEvent(
  deps: DeliverDependencies,
  { webhookId, event, receiptHandle, attempt }: QueuedDelivery,
): Promise<DeliveryOutcome> {
  // An error of the table counts as a failure too: without a pause, a message would use up its attempts within minutes.
  const sent = await send(deps, webhookId, event).catch(reasonOf)
  if (typeof sent !== 'string') return sent
  // After the last attempt there is no pause: the queue then moves the message to its dead-letter queue.
  const pauseSeconds = DELIVERY_PAUSES[attempt - 1] ?? 0
  await deps.queue.postpone(receiptHandle, pauseSeconds)
  return { kind: 'failed', reason: sent, pauseSeconds }
}

/** @returns the outcome, or why the event did not arrive */
async function send(
  { identity, webhooks, receivers }: DeliverDependencies,
  webhookId: string,
  event: Delivery['event'],
): Promise<DeliveryOutcome | string> {
  const webhook = await webhooks.find(webhookId)
  if (webhook === undefined) return { kind: 'gone' }
  const body = JSON.stringify(event)
  const headers = {
    'content-type': 'application/json',
    ...signatureHeaders(webhook.secret, { id: event.id, body, at: identity.now() }),
  }
  const status = await receivers.post(webhook.url, headers, body)
  return status >= 200 && status < 300 ? { kind: 'delivered' } : `status ${status}`
}

/** Code of an error; its message may have the address, which may be a secret. */
function reasonOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException
  return code ?? name
}

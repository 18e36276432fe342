import {
  ChangeMessageVisibilityCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import { backoff, type Pause, retry } from '../shared/retry.ts'
import type { Delivery, DeliveryQueue, QueuedDeliveries } from './delivery-queue.ts'

/** Maximum number of messages of one call. */
const MAX_MESSAGES = 10
/** Retries of messages that the queue refused, within 1.5 s. After that Lambda repeats the whole batch. */
const BACKOFF = { retries: 4, firstMs: 100, hasJitter: true }

class RefusedMessagesError extends Error {
  override readonly name = 'RefusedMessagesError'
}

export interface SqsDeliveryQueueOptions {
  readonly client: SQSClient
  readonly queueUrl: string
  /** Waits before a retry; replaced in tests. */
  readonly pause?: Pause
}

/** Group of a delivery: SQS keeps the order within it, and delivers no other message of it while one is in progress or postponed. */
function groupOf({ webhookId, event }: Delivery): string {
  return `${webhookId}/${event.data.id}`
}

/**
 * Deliveries in a FIFO queue of SQS. A call has at most one message of a group, because SQS may refuse some messages of a call and
 * accept later ones.
 */
export function createSqsDeliveryQueue(options: SqsDeliveryQueueOptions): DeliveryQueue & QueuedDeliveries {
  const { client, queueUrl, pause } = options

  async function put(deliveries: readonly Delivery[]): Promise<void> {
    let rest: SendMessageBatchRequestEntry[] = deliveries.map((delivery, index) => ({
      Id: String(index),
      MessageBody: bodyOf(delivery),
      MessageGroupId: groupOf(delivery),
      MessageDeduplicationId: delivery.event.id,
    }))
    const call = async (): Promise<void> => {
      const command = new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: rest })
      const { Failed = [] } = await client.send(command)
      const [first] = Failed
      if (first === undefined) return
      const refused = new Set(Failed.map(({ Id }) => Id))
      rest = rest.filter(({ Id }) => refused.has(Id))
      throw new RefusedMessagesError(
        `${rest.length} deliveries were not queued: ${first.Code} ${first.Message}`,
      )
    }
    const isRetryable = (error: unknown): boolean => error instanceof RefusedMessagesError
    await retry(call, { pausesMs: backoff(BACKOFF), isRetryable, pause })
  }

  return {
    async send(deliveries) {
      for (const part of partsOf(deliveries)) await put(part)
    },

    async postpone(ReceiptHandle, seconds) {
      const change = { QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout: seconds }
      await client.send(new ChangeMessageVisibilityCommand(change))
    },
  }
}

/** SQS refuses messages with U+FFFE or U+FFFF, which names and logs may contain; receivers read the same JSON. */
function bodyOf(delivery: Delivery): string {
  return JSON.stringify(delivery).replaceAll(
    /[\ufffe\uffff]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16)}`,
  )
}

/** Parts in order, each with one delivery of a group at most. */
function* partsOf(deliveries: readonly Delivery[]): Generator<readonly Delivery[], void, undefined> {
  let part = new Map<string, Delivery>()
  for (const delivery of deliveries) {
    const group = groupOf(delivery)
    if (part.size === MAX_MESSAGES || part.has(group)) {
      yield [...part.values()]
      part = new Map()
    }
    part.set(group, delivery)
  }
  if (part.size > 0) yield [...part.values()]
}

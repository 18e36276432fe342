import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { createSqsClient } from '../../src/aws/clients.ts'
import { beginLog, logger } from '../../src/aws/observability.ts'
import { readEnvironment } from '../../src/contract/environment.ts'
import { deliverEvent } from '../../src/webhook/deliver-event.ts'
import type { Delivery } from '../../src/webhook/delivery-queue.ts'
import { createHttpReceivers } from '../../src/webhook/http-receivers.ts'
import { createSqsDeliveryQueue } from '../../src/webhook/sqs-delivery-queue.ts'
import { createRepositories } from '../repositories.ts'

const environment = readEnvironment(['installation', 'tableName', 'deliveryQueueUrl', 'webhookNetworks'])
const { deliveryQueueUrl, webhookNetworks } = environment
const { identity, webhooks } = createRepositories(environment)
const deps = {
  identity,
  webhooks,
  receivers: createHttpReceivers({ networks: webhookNetworks }),
  queue: createSqsDeliveryQueue({ client: createSqsClient(), queueUrl: deliveryQueueUrl }),
}

/** Sends queued events to their webhooks. Messages that it returns stay in the queue, with all later ones of their group. */
export async function handler({ Records }: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  beginLog({ requestId: context.awsRequestId })
  const failed: string[] = []
  // The queue sends one message a call; a call with more would have to stop at the first failure of a group.
  for (const { body, messageId, receiptHandle, attributes } of Records) {
    const { webhookId, event } = JSON.parse(body) as Delivery
    const attempt = Number(attributes.ApproximateReceiveCount)
    const outcome = await deliverEvent(deps, { webhookId, event, receiptHandle, attempt })
    logger.info('webhook', { webhookId, eventId: event.id, type: event.type, attempt, ...outcome })
    if (outcome.kind === 'failed') failed.push(messageId)
  }
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) }
}

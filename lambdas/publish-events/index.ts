import type { Context, DynamoDBStreamEvent } from 'aws-lambda'
import { createEventsClient, createSqsClient } from '../../src/aws/clients.ts'
import { beginLog, logger } from '../../src/aws/observability.ts'
import { readEnvironment } from '../../src/contract/environment.ts'
import { decodeChange } from '../../src/events/dynamo-item-changes.ts'
import { createEventBridgeBus } from '../../src/events/event-bridge-bus.ts'
import { publishEvents } from '../../src/events/publish-events.ts'
import { queueDeliveries } from '../../src/webhook/queue-deliveries.ts'
import { createSqsDeliveryQueue } from '../../src/webhook/sqs-delivery-queue.ts'
import { createRepositories } from '../repositories.ts'

const environment = readEnvironment(['installation', 'tableName', 'eventBusName', 'deliveryQueueUrl'])
const { deliveryQueueUrl, eventBusName, installation } = environment
const deps = {
  installation,
  webhooks: createRepositories(environment).webhooks,
  bus: createEventBridgeBus({ client: createEventsClient(), busName: eventBusName, installation }),
  queue: createSqsDeliveryQueue({ client: createSqsClient(), queueUrl: deliveryQueueUrl }),
}

/**
 * Sends state changes from the table's stream as events, to the bus and to webhooks. Throws when an event was not accepted, so
 * that Lambda repeats the batch.
 */
export async function handler({ Records }: DynamoDBStreamEvent, context: Context): Promise<void> {
  beginLog({ requestId: context.awsRequestId })
  const events = await publishEvents(
    {
      ...deps,
      // Only keys are logged: they contain ids, while the items contain secrets. Schema errors quote no values.
      onUnreadable: ({ key }, error) => logger.error('change not understood', { key, error: error as Error }),
    },
    Records.map(decodeChange),
  )
  if (events.length === 0) return
  const deliveries = await queueDeliveries(deps, events)
  logger.info('events sent', { changes: Records.length, events: events.length, deliveries })
}

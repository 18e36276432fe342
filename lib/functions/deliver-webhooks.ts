import { Duration } from 'aws-cdk-lib'
import { webhookNetworksOf } from '../constructs/delivery-queue.ts'
import type { FunctionDefinition } from '../constructs/function-definition.ts'

/** Sends events to webhooks. */
export const deliverWebhooks: FunctionDefinition = {
  name: 'deliver-webhooks',
  memoryMib: 256,
  // A receiver has 10 s.
  timeout: Duration.seconds(30),
  variables: ({ stage, values: { installation, tableName, deliveryQueueUrl } }) => ({
    installation,
    tableName,
    deliveryQueueUrl,
    webhookNetworks: webhookNetworksOf(stage),
  }),
  permissions: ({ grants }) => [grants.readWebhook, grants.receiveDeliveries],
  trigger: { queue: 'deliveries', deadLetters: 'Webhooks' },
}

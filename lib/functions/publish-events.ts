import { Duration } from 'aws-cdk-lib'
import { TABLE } from '../../src/contract/environment.ts'
import type { FunctionDefinition } from '../constructs/function-definition.ts'

/** Reports state changes of runs, run sets and imports as events, on the bus and to webhooks. */
export const publishEvents: FunctionDefinition = {
  name: 'publish-events',
  // 100 changes with both images have at most 6 MB. Small ones took 244 MiB (measured).
  memoryMib: 512,
  timeout: Duration.minutes(1),
  variables: ({ values: { installation, tableName, eventBusName, deliveryQueueUrl } }) => ({
    installation,
    tableName,
    eventBusName,
    deliveryQueueUrl,
  }),
  permissions: ({ grants }) => [
    ...grants.readChanges,
    grants.publishEvents,
    grants.listWebhooks,
    grants.queueDeliveries,
  ],
  trigger: { id: 'StateChange', deadLetters: 'Changes', sortKeys: TABLE.eventSortKeys },
}

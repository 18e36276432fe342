import type { EngineEvent } from '../events/event.ts'
import type { Delivery, DeliveryQueue } from './delivery-queue.ts'
import { isSubscribed, type Subscription, scopesOf, type WebhookScope } from './webhook.ts'
import type { WebhookRepository } from './webhook-repository.ts'

export interface QueueDeliveriesDependencies {
  readonly webhooks: Pick<WebhookRepository, 'subscriptions'>
  readonly queue: DeliveryQueue
}

/**
 * Queues events for the webhooks that receive them, in their order. Takes one query for the stage, and one for each run and run set of
 * the events.
 * @returns the number of deliveries
 */
export async function queueDeliveries(
  { webhooks, queue }: QueueDeliveriesDependencies,
  events: readonly EngineEvent[],
): Promise<number> {
  const known = new Map<string, Promise<Subscription[]>>()
  const subscriptionsOf = (scope: WebhookScope): Promise<Subscription[]> => {
    const key = scope.runId ?? scope.runSetId ?? ''
    const found = known.get(key) ?? webhooks.subscriptions(scope)
    known.set(key, found)
    return found
  }
  const deliveries: Delivery[] = []
  for (const event of events) {
    const subscriptions = await Promise.all(scopesOf(event).map(subscriptionsOf))
    const receiving = subscriptions.flat().filter((one) => isSubscribed(one, event.type))
    deliveries.push(...receiving.map(({ id }) => ({ webhookId: id, event })))
  }
  await queue.send(deliveries)
  return deliveries.length
}

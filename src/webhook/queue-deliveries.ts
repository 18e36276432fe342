import pMap from 'p-map'
import type { EngineEvent } from '../events/event.ts'
import type { Delivery, DeliveryQueue } from './delivery-queue.ts'
import { isOfSubject, isSubscribed, type Subscription, scopesOf, type WebhookScope } from './webhook.ts'
import type { WebhookRepository } from './webhook-repository.ts'

/** Maximum number of concurrent queries. A batch has up to 100 changes, perhaps each of another run. */
const MAX_QUERIES = 20

export interface QueueDeliveriesDependencies {
  readonly webhooks: Pick<WebhookRepository, 'hasSubjects' | 'subscriptions'>
  readonly queue: DeliveryQueue
}

/**
 * Queues events for the webhooks that receive them, in their order. Takes two reads, and one more for each run and run set of the
 * events if a webhook of any run or run set exists.
 * @returns the number of deliveries
 */
export async function queueDeliveries(
  { webhooks, queue }: QueueDeliveriesDependencies,
  events: readonly EngineEvent[],
): Promise<number> {
  const hasSubjects = await webhooks.hasSubjects()
  const asked = events.flatMap(scopesOf).filter((scope) => hasSubjects || !isOfSubject(scope))
  const scopes = new Map(asked.map((scope) => [keyOf(scope), scope]))
  const found = await pMap(
    scopes,
    async ([key, scope]) => [key, await webhooks.subscriptions(scope)] as const,
    { concurrency: MAX_QUERIES },
  )
  const subscriptions = new Map<string, readonly Subscription[]>(found)
  const deliveries = events.flatMap((event): readonly Delivery[] =>
    scopesOf(event)
      .flatMap((scope) => subscriptions.get(keyOf(scope)) ?? [])
      .filter((one) => isSubscribed(one, event.type))
      .map(({ id }) => ({ webhookId: id, event })),
  )
  await queue.send(deliveries)
  return deliveries.length
}

/** Ids of runs and of run sets differ. */
function keyOf({ runId, runSetId }: WebhookScope): string {
  return runId ?? runSetId ?? ''
}

import type { EngineEvent } from '../events/event.ts'

/** An event on its way to one webhook. */
export interface Delivery {
  readonly webhookId: string
  readonly event: EngineEvent
}

/** Queue between the publisher and the deliveries. Keeps the order of each webhook and subject. */
export interface DeliveryQueue {
  /**
   * Queues deliveries in this order. Deliveries that were queued within five minutes are not queued again.
   * @throws Error when not all of them were accepted; the whole call must be repeated
   */
  send(deliveries: readonly Delivery[]): Promise<void>
}

/** Deliveries that a function has received from the queue. */
export interface QueuedDeliveries {
  /** Makes a message visible again after a pause, in seconds. */
  postpone(receiptHandle: string, seconds: number): Promise<void>
}

import type { EngineEvent } from './event.ts'

/** Bus on which an installation reports its state changes. */
export interface EventBus {
  /**
   * Sends events in this order.
   * @throws Error when the bus has not accepted all of them. Some may have been sent, so the whole call must be repeated
   */
  send(events: readonly EngineEvent[]): Promise<void>
}

import type { EngineEvent } from './event.ts'

/** Bus on which an installation reports its state changes. */
export interface EventBus {
  /**
   * Sends events in this order.
   * @throws Error when the bus has not taken all of them; some may have been sent, so the call is repeated as a whole
   */
  send(events: readonly EngineEvent[]): Promise<void>
}

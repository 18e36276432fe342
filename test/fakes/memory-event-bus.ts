import type { EngineEvent } from '../../src/events/event.ts'
import type { EventBus } from '../../src/events/event-bus.ts'

/** In-memory bus for tests. After `failNext`, the next call fails and sends no event. */
export function createMemoryEventBus(): EventBus & { readonly sent: EngineEvent[]; failNext(): void } {
  const sent: EngineEvent[] = []
  let fails = false
  return {
    sent,
    failNext() {
      fails = true
    },
    async send(events) {
      if (fails) {
        fails = false
        throw new Error('the bus is not available')
      }
      sent.push(...events)
    },
  }
}

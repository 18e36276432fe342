import type { EngineEvent } from '../../src/events/event.ts'
import type { EventBus } from '../../src/events/event-bus.ts'

/** In-memory bus for tests. `failNext` makes the next call fail without effect. */
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
        throw new Error('the bus is away')
      }
      sent.push(...events)
    },
  }
}

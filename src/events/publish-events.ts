import type { EngineEvent } from './event.ts'
import type { EventBus } from './event-bus.ts'
import { eventOfChange } from './event-of-change.ts'
import type { ItemChange } from './item-change.ts'

export interface PublishDependencies {
  readonly bus: EventBus
  readonly installation: string
  /** Called with a change that cannot be decoded. It is skipped, because retrying it would block all others. */
  readonly onUnreadable: (change: ItemChange, error: unknown) => void
}

/**
 * Sends the events of changes, in order. Idempotent: the same change has the same event, with the same id.
 * @returns the events
 * @throws Error when not all events were accepted
 */
export async function publishEvents(
  { bus, installation, onUnreadable }: PublishDependencies,
  changes: readonly ItemChange[],
): Promise<readonly EngineEvent[]> {
  const events = changes.flatMap((change) => {
    try {
      return eventOfChange(change, installation) ?? []
    } catch (error) {
      onUnreadable(change, error)
      return []
    }
  })
  await bus.send(events)
  return events
}

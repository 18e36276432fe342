import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge'
import { eventSourceOf } from '../contract/environment.ts'
import { backoff, type Pause, retry } from '../shared/retry.ts'
import type { EngineEvent } from './event.ts'
import type { EventBus } from './event-bus.ts'

/** Maximum number of entries per call: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
const MAX_ENTRIES = 10
/** Retries of throttled entries, within 1.5 s. After that Lambda repeats the whole batch. */
const BACKOFF = { retries: 4, firstMs: 100, hasJitter: true }

class RefusedEntriesError extends Error {
  override readonly name = 'RefusedEntriesError'
}

export interface EventBridgeBusOptions {
  readonly client: EventBridgeClient
  readonly busName: string
  readonly installation: string
  /** Waits before a retry; replaced in tests. */
  readonly pause?: Pause
}

/** Event bus of EventBridge. */
export function createEventBridgeBus({
  client,
  busName,
  installation,
  pause,
}: EventBridgeBusOptions): EventBus {
  const entryOf = (event: EngineEvent): PutEventsRequestEntry => ({
    EventBusName: busName,
    Source: eventSourceOf(installation),
    DetailType: event.type,
    Detail: JSON.stringify(event),
    Time: new Date(event.timestamp),
  })

  async function put(events: readonly EngineEvent[]): Promise<void> {
    let rest = events.map(entryOf)
    const call = async (): Promise<void> => {
      const { Entries = [] } = await client.send(new PutEventsCommand({ Entries: rest }))
      // The call succeeds even when entries are refused.
      const refused = Entries.find(({ ErrorCode }) => ErrorCode !== undefined)
      rest = rest.filter((_, index) => Entries[index]?.ErrorCode !== undefined)
      if (refused === undefined) return
      const { ErrorCode, ErrorMessage } = refused
      throw new RefusedEntriesError(`${rest.length} events were refused: ${ErrorCode} ${ErrorMessage}`)
    }
    const isRetryable = (error: unknown): boolean => error instanceof RefusedEntriesError
    await retry(call, { pausesMs: backoff(BACKOFF), isRetryable, pause })
  }

  return {
    async send(events) {
      for (let start = 0; start < events.length; start += MAX_ENTRIES) {
        await put(events.slice(start, start + MAX_ENTRIES))
      }
    },
  }
}

import type { Api } from '../api.ts'
import type { Exchange } from '../exchange.ts'
import { OverloadedError } from '../failures.ts'
import { EVENT_STREAMS, FOLLOWED_RUNS } from '../limits.ts'
import { parseEventQuery } from './event-query.ts'
import { createEventStream, type EventStream } from './event-stream.ts'
import { createRunFeed, type RunFeedOptions } from './run-feed.ts'
import { createSubscriber } from './subscriber.ts'

/** Server-sent events about runs (`GET events`). */
export interface Events {
  /**
   * Sends events until the client disconnects or {@link end} is called.
   * @param client client whose share of the streams is used
   * @throws DomainError QUERY_INVALID; OverloadedError; failures of the API before the first event
   */
  serve(exchange: Exchange, client: string): Promise<void>
  /** Ends all streams, and refuses new ones. */
  end(): void
}

export interface EventsOptions extends Pick<RunFeedOptions, 'pollMs' | 'wait'> {
  readonly api: Api
  /** Maximum percentage of the streams for one client. */
  readonly clientSharePercent: number
  readonly heartbeatMs: number
}

/** At most {@link EVENT_STREAMS} clients, which share one round of calls to the API. */
export function createEvents({ clientSharePercent, heartbeatMs, ...options }: EventsOptions): Events {
  const feed = createRunFeed(options)
  const streams = new Map<EventStream, string>()
  const share = Math.ceil((EVENT_STREAMS * clientSharePercent) / 100)
  let isEnding = false

  function requirePlace(client: string, runs: readonly string[]): void {
    const own = [...streams.values()].filter((one) => one === client).length
    const followed = runs.length === 0 ? 0 : new Set([...feed.followed, ...runs]).size
    if (isEnding || streams.size >= EVENT_STREAMS || own >= share || followed > FOLLOWED_RUNS) {
      throw new OverloadedError()
    }
  }

  return {
    async serve({ request, response, controller }, client) {
      const query = parseEventQuery(request)
      requirePlace(client, query.runs)
      const stream = createEventStream(response, heartbeatMs)
      const subscriber = createSubscriber(query, stream)
      streams.set(stream, client)
      try {
        await feed.begin(subscriber, controller.signal)
        if (isEnding) stream.end()
        if (!stream.isClosed) feed.add(subscriber)
        await stream.closed()
      } finally {
        feed.remove(subscriber)
        streams.delete(stream)
      }
    },

    end() {
      isEnding = true
      for (const stream of streams.keys()) stream.end()
    },
  }
}

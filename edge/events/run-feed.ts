import { pause } from '../../src/shared/pause.ts'
import type { Api } from '../api.ts'
import { isTransient } from '../failures.ts'
import { EVENT_BYTES } from '../limits.ts'
import { readLogPart, readRows } from './rows.ts'
import type { Subscriber } from './subscriber.ts'

/** Polls the API for all subscribers. */
export interface RunFeed {
  /**
   * Reads and sends the first rows, and the first part of the log, of a new subscriber.
   * @throws UnreachableError, ApiRefusal; nothing is sent then
   */
  begin(subscriber: Subscriber, signal: AbortSignal): Promise<void>
  /** Follows the changes until the subscriber is removed. */
  add(subscriber: Subscriber): void
  remove(subscriber: Subscriber): void
  /** Distinct runs that are followed by id. */
  readonly followed: ReadonlySet<string>
}

export interface RunFeedOptions {
  readonly api: Pick<Api, 'callJson'>
  /** Pause between two rounds. */
  readonly pollMs: number
}

/** Longest pause while the API fails, as a multiple of the ordinary one. */
const LONGEST_PAUSE = 16

/** One round of calls at a time, however many subscribers there are; none without a subscriber. */
export function createRunFeed({ api, pollMs }: RunFeedOptions): RunFeed {
  const subscribers = new Set<Subscriber>()
  let isPolling = false

  const wantedOf = (all: readonly Subscriber[]) => ({
    isNewest: all.some(({ runs }) => runs.length === 0),
    ids: new Set(all.flatMap(({ runs }) => runs)),
  })

  async function readLog(subscriber: Subscriber): Promise<void> {
    const log = subscriber.log()
    // A client that has not read the last part gets no other.
    if (log === undefined || subscriber.stream.isClosed || subscriber.stream.bufferedBytes > 0) return
    try {
      subscriber.deliverLog(await readLogPart(api, log))
    } catch (error) {
      if (isTransient(error)) throw error
      // The run was deleted, or the offset is too old.
      subscriber.forgetLog()
    }
  }

  async function poll(): Promise<void> {
    const all = [...subscribers]
    const rows = await readRows(api, wantedOf(all))
    for (const subscriber of all) if (!subscriber.stream.isClosed) subscriber.deliver(rows)
    // One after the other: a part may have 6 MB.
    for (const subscriber of all) await readLog(subscriber)
    closeSlow(all)
  }

  async function pollWhileWanted(): Promise<void> {
    for (let pauses = 1; subscribers.size > 0; ) {
      await pause(pollMs * pauses)
      try {
        await poll()
        pauses = 1
      } catch {
        // Heartbeats go on. Failures of the API are in its own log and in that of forwarded requests.
        pauses = Math.min(LONGEST_PAUSE, pauses * 2)
      }
    }
  }

  return {
    async begin(subscriber, signal) {
      const log = subscriber.log()
      const rows = await readRows(api, wantedOf([subscriber]), signal)
      const part = log && (await readLogPart(api, log, signal))
      if (subscriber.stream.isClosed) return
      subscriber.stream.open()
      subscriber.deliver(rows)
      if (part !== undefined) subscriber.deliverLog(part)
    },

    add(subscriber) {
      subscribers.add(subscriber)
      if (isPolling) return
      isPolling = true
      void pollWhileWanted().finally(() => {
        isPolling = false
      })
    },

    remove(subscriber) {
      subscribers.delete(subscriber)
    },

    get followed() {
      return wantedOf([...subscribers]).ids
    },
  }
}

/** Keeps unread events of all clients below {@link EVENT_BYTES}: the client with most of them loses its connection. */
function closeSlow(all: readonly Subscriber[]): void {
  const open = all.filter(({ stream }) => !stream.isClosed)
  const byBytes = open.toSorted((a, b) => b.stream.bufferedBytes - a.stream.bufferedBytes)
  let total = open.reduce((sum, { stream }) => sum + stream.bufferedBytes, 0)
  for (const { stream } of byBytes) {
    if (total <= EVENT_BYTES) return
    total -= stream.bufferedBytes
    stream.destroy()
  }
}

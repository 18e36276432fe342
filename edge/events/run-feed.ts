import { pause } from '../../src/shared/pause.ts'
import { createSemaphore } from '../../src/shared/semaphore.ts'
import type { Api } from '../api.ts'
import { isTransient } from '../failures.ts'
import { EVENT_BYTES } from '../limits.ts'
import { type LogPart, type Rows, readLogPart, readRows } from './rows.ts'
import type { Subscriber } from './subscriber.ts'

/** Polls the API for all subscribers. */
export interface RunFeed {
  /**
   * Reads and sends the first rows, and the first part of the log, to a new subscriber.
   * @throws UnreachableError, ApiRefusal; nothing has been sent then
   */
  begin(subscriber: Subscriber, signal: AbortSignal): Promise<void>
  /** Sends changes until the subscriber is removed. */
  add(subscriber: Subscriber): void
  remove(subscriber: Subscriber): void
  /** Ids of the runs that are followed by id, or are about to be. */
  readonly followed: ReadonlySet<string>
}

export interface RunFeedOptions {
  readonly api: Pick<Api, 'callJson'>
  /** Pause between two rounds. */
  readonly pollMs: number
  /** Waits for some milliseconds; tests replace the clock. */
  readonly wait?: (milliseconds: number) => Promise<void>
}

/** Maximum pause while the API fails, as a multiple of the normal pause. */
const MAX_PAUSE = 16

/**
 * Executes one round of calls at a time, for any number of subscribers; none without a subscriber. Parts of logs are read one at
 * a time too, for rounds and new subscribers together: a part may have 6 MB, and is in memory three times until it is sent.
 */
export function createRunFeed({ api, pollMs, wait = pause }: RunFeedOptions): RunFeed {
  const subscribers = new Set<Subscriber>()
  /** Includes subscribers that are being added: their runs and unread events count. */
  const known = new Set<Subscriber>()
  const readLog = createLogReader(api, known)
  let isPolling = false

  async function poll(): Promise<void> {
    const all = [...subscribers]
    const rows = await readRows(api, wantedOf(all))
    for (const subscriber of all) if (!subscriber.stream.isClosed) subscriber.deliver(rows)
    closeSlow(known)
    for (const subscriber of all) await followLog(subscriber, readLog)
  }

  async function pollWhileWanted(): Promise<void> {
    for (let pauses = 1; subscribers.size > 0; ) {
      await wait(pollMs * pauses)
      if (subscribers.size === 0) return
      try {
        await poll()
        pauses = 1
      } catch {
        // Not logged here, since the API logs its failures, and the edge those of forwarded requests. The streams stay open.
        pauses = Math.min(MAX_PAUSE, pauses * 2)
      }
    }
  }

  return {
    async begin(subscriber, signal) {
      known.add(subscriber)
      const rows = await readRows(api, wantedOf([subscriber]), signal)
      await deliverFirst(subscriber, rows, (deliver) => readLog(subscriber, deliver, signal))
    },

    add(subscriber) {
      known.add(subscriber)
      subscribers.add(subscriber)
      if (isPolling) return
      isPolling = true
      void pollWhileWanted().finally(() => {
        isPolling = false
      })
    },

    remove(subscriber) {
      known.delete(subscriber)
      subscribers.delete(subscriber)
    },

    get followed() {
      return wantedOf(known).ids
    },
  }
}

function wantedOf(all: Iterable<Subscriber>) {
  return {
    isNewest: [...all].some(({ runs }) => runs.length === 0),
    ids: new Set([...all].flatMap(({ runs }) => runs)),
  }
}

type DeliverLog = (part: LogPart) => void

/** Reads the next part of a subscriber's log and passes it to `deliver`. */
type ReadLog = (subscriber: Subscriber, deliver: DeliverLog, signal?: AbortSignal) => Promise<void>

/** @param known all subscribers, which share the limit of unread events */
function createLogReader(api: RunFeedOptions['api'], known: Iterable<Subscriber>): ReadLog {
  const logs = createSemaphore(1)
  return async (subscriber, deliver, signal) => {
    await logs.acquire()
    try {
      const log = subscriber.log()
      signal?.throwIfAborted()
      if (log === undefined || subscriber.stream.isClosed) return
      deliver(await readLogPart(api, log, signal))
      closeSlow(known)
    } finally {
      logs.release()
    }
  }
}

async function followLog(subscriber: Subscriber, readLog: ReadLog): Promise<void> {
  // A client that has not read the previous part gets no further one.
  if (subscriber.log() === undefined || subscriber.stream.bufferedBytes > 0) return
  try {
    await readLog(subscriber, subscriber.deliverLog)
  } catch (error) {
    // The run was deleted, or the offset is too old. After another failure the next round retries.
    if (!isTransient(error)) subscriber.forgetLog()
  }
}

/** Opens the stream with the first rows, and with the first part of the log if the subscriber follows one. */
async function deliverFirst(
  subscriber: Subscriber,
  rows: Rows,
  readLog: (deliver: DeliverLog) => Promise<void>,
): Promise<void> {
  const { stream } = subscriber
  const open = (): void => {
    stream.open()
    subscriber.deliver(rows)
  }
  if (subscriber.log() === undefined) {
    if (!stream.isClosed) open()
    return
  }
  await readLog((part) => {
    if (stream.isClosed) return
    open()
    subscriber.deliverLog(part)
  })
}

/** Limits the unread events of all clients to {@link EVENT_BYTES}: closes the connection of the client with the most. */
function closeSlow(all: Iterable<Subscriber>): void {
  const open = [...all].filter(({ stream }) => !stream.isClosed)
  const byBytes = open.toSorted((a, b) => b.stream.bufferedBytes - a.stream.bufferedBytes)
  let total = open.reduce((sum, { stream }) => sum + stream.bufferedBytes, 0)
  for (const { stream } of byBytes) {
    if (total <= EVENT_BYTES) return
    total -= stream.bufferedBytes
    stream.destroy()
  }
}

import { type EventQuery, eventId } from './event-query.ts'
import type { EventStream } from './event-stream.ts'
import { type LogPart, NEWEST_RUNS, type Row, type Rows } from './rows.ts'

/** A client of the event stream. */
export interface Subscriber {
  /** Run ids. Empty: the newest runs. */
  readonly runs: readonly string[]
  readonly stream: EventStream
  /** Next offset in the log; undefined without a log, and when the log is complete. */
  log(): { readonly run: string; readonly after: string } | undefined
  /** Sends the changes since the last call. */
  deliver(rows: Rows): void
  deliverLog(part: LogPart): void
  /** Stops following the log, which can no longer be read. */
  forgetLog(): void
}

/** Creates a subscriber that gets each change of its runs once. */
export function createSubscriber(query: EventQuery, stream: EventStream): Subscriber {
  const { runs, since = '' } = query
  const [run = ''] = runs
  let after = query.after
  const rows = createRowChanges(since, (event, data, last) => stream.send(event, data, eventId(last, after)))

  return {
    runs,
    stream,
    log: () => (after === undefined ? undefined : { run, after }),

    deliver({ newest, byId }) {
      if (runs.length === 0) rows.sendNewest(newest ?? [])
      else for (const id of runs) rows.sendNamed(id, byId.get(id))
    },

    deliverLog({ text, next, isComplete }) {
      const isNews = text !== '' || isComplete
      after = next
      if (isNews) {
        const data = JSON.stringify({ run, text, next, isComplete })
        stream.send('log', data, eventId(rows.last(), after))
      }
      if (isComplete) after = undefined
    },

    forgetLog() {
      after = undefined
    },
  }
}

/** @param last time of the last change that the client has received */
type SendChange = (event: 'run' | 'removed', data: string, last: string) => void

/** Sends rows that have changed. Stores the last JSON text of each run, shared by all subscribers. */
function createRowChanges(since: string, send: SendChange) {
  const sent = new Map<string, Row>()
  /** Deleted runs for which `removed` was sent. */
  const gone = new Set<string>()
  let last = since

  function sendRow(row: Row): void {
    if (sent.get(row.id)?.json === row.json) return
    const isKnown = !sent.has(row.id) && row.changedAt < since
    sent.set(row.id, row)
    if (isKnown) return
    if (row.changedAt > last) last = row.changedAt
    send('run', row.json, last)
  }

  function sendRemoved(id: string): void {
    sent.delete(id)
    send('removed', JSON.stringify({ id }), last)
  }

  return {
    /** Time of the last change that was sent. */
    last: () => last,

    sendNewest(newest: readonly Row[]): void {
      const present = new Set(newest.map(({ id }) => id))
      const oldest = newest.length < NEWEST_RUNS ? '' : (newest.at(-1)?.order ?? '')
      for (const { id, order } of [...sent.values()]) {
        if (present.has(id)) continue
        // A missing older run was only displaced by newer ones.
        if (order > oldest) sendRemoved(id)
        else sent.delete(id)
      }
      // Oldest first, so that the last event has the time of the last change.
      for (const row of newest.toReversed()) sendRow(row)
    },

    /** Sends the row of a run that the client has named; undefined when the run was deleted. */
    sendNamed(id: string, row: Row | undefined): void {
      if (row !== undefined) sendRow(row)
      else if (!gone.has(id)) {
        gone.add(id)
        sendRemoved(id)
      }
    },
  }
}

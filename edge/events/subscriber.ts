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

/** Stores the last JSON text of each run, shared by all subscribers. */
export function createSubscriber(query: EventQuery, stream: EventStream): Subscriber {
  const { runs, since = '' } = query
  const [run = ''] = runs
  const sent = new Map<string, Row>()
  let last = since
  let after = query.after

  const idOf = (): string => eventId(last, after)

  function deliverRow(row: Row): void {
    if (sent.get(row.id)?.json === row.json) return
    const isKnown = !sent.has(row.id) && row.changedAt < since
    sent.set(row.id, row)
    if (isKnown) return
    if (row.changedAt > last) last = row.changedAt
    stream.send('run', row.json, idOf())
  }

  function deliverRemoved(id: string): void {
    sent.delete(id)
    stream.send('removed', JSON.stringify({ id }), idOf())
  }

  function deliverNewest(newest: readonly Row[]): void {
    const present = new Set(newest.map(({ id }) => id))
    const oldest = newest.length < NEWEST_RUNS ? '' : (newest.at(-1)?.order ?? '')
    for (const { id, order } of [...sent.values()]) {
      if (present.has(id)) continue
      // A missing older run was only displaced by newer ones.
      if (order > oldest) deliverRemoved(id)
      else sent.delete(id)
    }
    // Oldest first, so that the last event has the time of the last change.
    for (const row of newest.toReversed()) deliverRow(row)
  }

  /** Deleted runs for which `removed` was sent. */
  const gone = new Set<string>()

  return {
    runs,
    stream,
    log: () => (after === undefined ? undefined : { run, after }),

    deliver({ newest, byId }) {
      if (runs.length === 0) {
        deliverNewest(newest ?? [])
        return
      }
      for (const id of runs) {
        const row = byId.get(id)
        if (row !== undefined) deliverRow(row)
        else if (!gone.has(id)) {
          gone.add(id)
          deliverRemoved(id)
        }
      }
    },

    deliverLog({ text, next, isComplete }) {
      const isNews = text !== '' || isComplete
      after = next
      if (isNews) stream.send('log', JSON.stringify({ run, text, next, isComplete }), idOf())
      if (isComplete) after = undefined
    },

    forgetLog() {
      after = undefined
    },
  }
}

import { type EventQuery, eventId } from './event-query.ts'
import type { EventStream } from './event-stream.ts'
import { type LogPart, NEWEST_RUNS, type Row, type Rows } from './rows.ts'

/** One client of the events. */
export interface Subscriber {
  /** Ids; the newest runs when empty. */
  readonly runs: readonly string[]
  readonly stream: EventStream
  /** What to read next of the log; undefined without a log, and when it is complete. */
  log(): { readonly run: string; readonly after: string } | undefined
  /** Sends what has changed. */
  deliver(rows: Rows): void
  deliverLog(part: LogPart): void
  /** The log cannot be read any more. */
  forgetLog(): void
}

/** Remembers the last JSON text of each run, which all subscribers share. */
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
      // Older ones have only been pushed out by new runs.
      if (order > oldest) deliverRemoved(id)
      else sent.delete(id)
    }
    // Oldest first, so that the last change is the last event.
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

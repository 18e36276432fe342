import type { IncomingMessage } from 'node:http'
import { queryError } from '../../src/contract/query-error.ts'
import { isUuid } from '../../src/contract/uuid.ts'

/** Runs and log that a client follows. */
export interface EventQuery {
  /** Run ids. Empty: the newest runs. */
  readonly runs: readonly string[]
  /** Offset in the log of the only run; undefined without its log. */
  readonly after?: string
  /** Time of the last change that the client has received, when it reconnects. */
  readonly since?: string
}

/** Maximum number of runs of one client. */
const MAX_RUNS = 100

/** Id of an event: the time of the last change that the client has received, and its offset in the log. */
const EVENT_ID = /^(?<since>\d{4}-\d\d-\d\dT[\d:.]{8,12}Z)\|(?<after>[\w-]{0,2000})$/u

export function eventId(since: string, after = ''): string {
  return `${since}|${after}`
}

/**
 * Parses query and `Last-Event-ID`. An id of another form is ignored.
 * @throws DomainError QUERY_INVALID
 */
export function parseEventQuery({ url = '/', headers }: IncomingMessage): EventQuery {
  const query = new URL(url, 'http://edge.invalid').searchParams
  const runs = [...new Set(query.getAll('run').flatMap((value) => value.split(',')))].filter(Boolean)
  const wrong = runs.find((run) => !isUuid(run))
  if (wrong !== undefined) throw queryError('run', wrong, 'expected the id of a run, a UUID in lower case')
  if (runs.length > MAX_RUNS) throw queryError('run', `${runs.length} ids`, `expected at most ${MAX_RUNS}`)
  const [after = null, ...others] = query.getAll('after')
  if (others.length > 0)
    throw queryError('after', query.getAll('after').join(), 'it is repeated; expected one value')
  if (after !== null && runs.length !== 1) {
    throw queryError('after', after, 'it is an offset in the log of one run; expected exactly one id in run')
  }
  const last = EVENT_ID.exec([headers['last-event-id'] ?? ''].flat().join())?.groups
  // The last event has no offset if the log was complete by then.
  const offset = after === null || last?.after === '' ? undefined : (last?.after ?? after)
  return {
    runs,
    ...(offset !== undefined && { after: offset }),
    ...(last?.since !== undefined && { since: last.since }),
  }
}

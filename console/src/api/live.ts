import { ApiError, BASE } from './client.ts'
import { readLog, rowsOf } from './runs.ts'
import type { LogPart, RunRow } from './types.ts'

/*
 * Live updates: server-sent events of the edge, or polling where there is no edge.
 */

export type LiveLog = Pick<LogPart, 'text' | 'isComplete'>

interface Watch {
  /** Ids of the runs to watch; empty: the 200 newest runs. */
  readonly runs: readonly string[]
  readonly onRun: (row: RunRow) => void
  readonly onRemoved?: (id: string) => void
  /** Called with each part of the log, from the beginning; for a single run only. */
  readonly onLog?: (log: LiveLog) => void
  /** Called at each poll while there is no event stream, for data beyond the rows and the log. */
  readonly onPoll?: () => void
  /** Called after the tab was hidden or the connection was lost, when changes are received again: those in between may be unknown. */
  readonly onReturn?: () => void
}

/** State that the connections of one watch share. */
interface Progress {
  /** Offset in the log from which it continues; undefined without a log, and when the log is complete. */
  after: string | undefined
  /** Whether changes have been missed when the next connection is open. */
  isBehind: boolean
}

const POLL_MS = 2000
/** Maximum number of rows in a poll. */
const MAX_POLLED = 200

/**
 * Connected while the tab is shown: browsers open at most six connections to a host by HTTP/1.1, for all tabs together.
 * @returns a function that stops watching
 */
export function watch(watched: Watch): () => void {
  const progress = { after: watched.onLog === undefined ? undefined : '0', isBehind: document.hidden }
  let disconnect: (() => void) | undefined
  const follow = (): void => {
    if (!document.hidden) disconnect ??= connect(watched, progress)
    else {
      disconnect?.()
      disconnect = undefined
    }
  }
  document.addEventListener('visibilitychange', follow)
  follow()
  return () => {
    document.removeEventListener('visibilitychange', follow)
    disconnect?.()
  }
}

/** @returns a function that disconnects */
function connect(watched: Watch, progress: Progress): () => void {
  const controller = new AbortController()
  const source = new EventSource(addressOf(watched.runs, progress.after))
  const begin = (): void => {
    if (progress.isBehind) watched.onReturn?.()
    progress.isBehind = true
  }
  source.addEventListener('open', begin)
  source.addEventListener('run', ({ data }) => watched.onRun(JSON.parse(data) as RunRow))
  source.addEventListener('removed', ({ data }) =>
    watched.onRemoved?.((JSON.parse(data) as { id: string }).id),
  )
  source.addEventListener('log', ({ data }) => takeLog(watched, progress, JSON.parse(data) as LogPart))
  // CLOSED: the response was not an event stream. After any other error the browser reconnects.
  source.addEventListener('error', () => {
    if (source.readyState !== EventSource.CLOSED) return
    begin()
    void poll(watched, progress, controller.signal)
  })
  return () => {
    controller.abort()
    source.close()
  }
}

function takeLog(watched: Watch, progress: Progress, log: LogPart): void {
  progress.after = log.isComplete ? undefined : log.next
  watched.onLog?.(log)
}

/** An offset in the query is replaced by that of the last event when the browser reconnects. */
function addressOf(runs: readonly string[], after: string | undefined): URL {
  const query = new URLSearchParams()
  if (runs.length > 0) query.set('run', runs.slice(0, 100).join(','))
  if (after !== undefined) query.set('after', after)
  return new URL(`events${query.size === 0 ? '' : `?${query}`}`, BASE)
}

async function poll(watched: Watch, progress: Progress, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      watched.onPoll?.()
      const ids = watched.runs.slice(0, MAX_POLLED)
      if (ids.length > 0 && !(await pollRows(watched, ids, signal))) return
      await pollLog(watched, progress, signal)
    } catch (error) {
      // A 404 for the log means that the run was deleted. Any other error is treated as transient.
      if (error instanceof ApiError && error.status === 404) return watched.onRemoved?.(watched.runs[0] ?? '')
    }
    await pause(POLL_MS, signal)
  }
}

/**
 * Reports the rows, and the runs that have been deleted.
 * @returns whether any of the runs still exists
 */
async function pollRows(watched: Watch, ids: readonly string[], signal: AbortSignal): Promise<boolean> {
  const rows = await rowsOf(ids, signal)
  for (const row of rows) watched.onRun(row)
  const found = new Set(rows.map(({ id }) => id))
  for (const id of ids) if (!found.has(id)) watched.onRemoved?.(id)
  return rows.length > 0
}

async function pollLog(watched: Watch, progress: Progress, signal: AbortSignal): Promise<void> {
  while (progress.after !== undefined) {
    const part = await readLog(watched.runs[0] ?? '', progress.after, signal)
    takeLog(watched, progress, part)
    if (part.text === '') return
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

import { ApiError, BASE } from './client.ts'
import { readLog, rowsOf } from './runs.ts'
import type { RunRow } from './types.ts'

/*
 * What changes while somebody looks: server-sent events where an edge gives them, polling elsewhere.
 */

export interface LiveLog {
  readonly text: string
  readonly isComplete: boolean
}

interface Watch {
  /** Runs to watch; none watches the newest of all. */
  readonly runs: readonly string[]
  readonly onRun: (row: RunRow) => void
  readonly onRemoved?: (id: string) => void
  /** With one run: its log as well, from the beginning. */
  readonly onLog?: (log: LiveLog) => void
  /** Where there are no events: what else to ask. */
  readonly onPoll?: () => void
}

const POLL_MS = 2000
/** Polling asks for that many rows at most. */
const MAX_POLLED = 200

/** @returns what ends it */
export function watch(watched: Watch): () => void {
  const controller = new AbortController()
  // Text that has come by events is not asked for again by polling.
  const place = { after: '0' }
  const source = new EventSource(addressOf(watched))
  source.addEventListener('run', ({ data }) => watched.onRun(JSON.parse(data) as RunRow))
  source.addEventListener('removed', ({ data }) =>
    watched.onRemoved?.((JSON.parse(data) as { id: string }).id),
  )
  source.addEventListener('log', ({ data }) => {
    const log = JSON.parse(data) as LiveLog & { next: string }
    place.after = log.next
    watched.onLog?.(log)
  })
  // Closed: the service answered something else than events. Otherwise the browser connects again by itself.
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) void poll(watched, place, controller.signal)
  })
  return () => {
    controller.abort()
    source.close()
  }
}

function addressOf({ runs, onLog }: Watch): URL {
  const query = new URLSearchParams()
  if (runs.length > 0) query.set('run', runs.slice(0, 100).join(','))
  if (onLog !== undefined) query.set('after', '0')
  return new URL(`events${query.size === 0 ? '' : `?${query}`}`, BASE)
}

async function poll(watched: Watch, place: { after: string }, signal: AbortSignal): Promise<void> {
  let isLogComplete = watched.onLog === undefined
  while (!signal.aborted) {
    try {
      watched.onPoll?.()
      const ids = watched.runs.slice(0, MAX_POLLED)
      if (ids.length > 0 && !(await pollRows(watched, ids, signal))) return
      if (!isLogComplete) isLogComplete = await pollLog(watched, place, signal)
    } catch (error) {
      // Status 404 for the log means that the run was deleted. All other errors are temporary, so polling continues.
      if (error instanceof ApiError && error.status === 404) return watched.onRemoved?.(watched.runs[0] ?? '')
    }
    await pause(POLL_MS, signal)
  }
}

/**
 * Reports rows, and runs that were removed since.
 * @returns whether one is left
 */
async function pollRows(watched: Watch, ids: readonly string[], signal: AbortSignal): Promise<boolean> {
  const rows = await rowsOf(ids, signal)
  for (const row of rows) watched.onRun(row)
  const found = new Set(rows.map(({ id }) => id))
  for (const id of ids) if (!found.has(id)) watched.onRemoved?.(id)
  return rows.length > 0
}

async function pollLog(
  { runs, onLog }: Watch,
  place: { after: string },
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const part = await readLog(runs[0] ?? '', place.after, signal)
    place.after = part.next
    onLog?.(part)
    if (part.isComplete || part.text === '') return part.isComplete
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

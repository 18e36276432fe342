import { call, getJson, send } from './client.ts'
import { path } from './paths.ts'
import type { TaskKey } from './tasks.ts'
import type { DesiredState, LogPart, NewRun, Page, Run, RunFilter, RunRow } from './types.ts'

export function listRuns(
  filter: RunFilter,
  cursor: string | undefined,
  signal?: AbortSignal,
): Promise<Page<RunRow>> {
  const query = new URLSearchParams({ limit: '50' })
  for (const [name, value] of Object.entries({ ...filter, cursor })) if (value) query.set(name, value)
  return getJson(`task-runs?${query}`, signal)
}

/** Current rows of these runs, at most 200. */
export async function rowsOf(ids: readonly string[], signal?: AbortSignal): Promise<readonly RunRow[]> {
  const page = await getJson<Page<RunRow>>(
    `task-runs?${new URLSearchParams({ id: ids.join(','), limit: '200' })}`,
    signal,
  )
  return page.content
}

export function readRun(id: string, signal?: AbortSignal): Promise<Run> {
  return getJson(`task-runs/${path(id)}`, signal)
}

/** Part of the log after an offset; `0`: its newest lines, up to about 1 MB. */
export async function readLog(id: string, after: string, signal?: AbortSignal): Promise<LogPart> {
  const headers = { accept: 'application/json' }
  const answer = await call(`task-runs/${path(id)}/logs?${new URLSearchParams({ after })}`, {
    signal,
    headers,
  })
  return (await answer.json()) as LogPart
}

export function createRun({ namespace, version }: TaskKey): Promise<NewRun> {
  return send('POST', `tasks/${path(namespace, version)}/runs`)
}

/** @param reuse whether to take the outputs of an equal run; the default of the service if it is undefined */
export function startRun(id: string, reuse?: boolean): Promise<void> {
  return requestState(id, { desired: 'RUNNING', reuse })
}

/** Ends an active run as FAILED with the kind `cancelled`; its record, inputs and log are kept. */
export function cancelRun(id: string): Promise<void> {
  return requestState(id, { desired: 'CANCELLED' })
}

async function requestState(id: string, state: DesiredState): Promise<void> {
  await send('POST', `task-runs/${path(id)}/state-actions`, state)
}

export function deleteRun(id: string): Promise<void> {
  return send('DELETE', `task-runs/${path(id)}`)
}

export function rerun(id: string): Promise<Run> {
  return send('POST', `task-runs/${path(id)}/rerun?start=true`)
}

/** Size and ETag of a run's file, by a request for its first byte; undefined if the response lacks them. */
export async function readMark(
  address: string,
  signal?: AbortSignal,
): Promise<{ readonly sizeBytes: number; readonly etag: string } | undefined> {
  const answer = await call(address, { signal, headers: { range: 'bytes=0-0' } })
  const size = /\/(\d+)$/u.exec(answer.headers.get('content-range') ?? '')?.[1]
  const etag = answer.headers.get('etag')
  await answer.body?.cancel()
  return size === undefined || etag === null ? undefined : { sizeBytes: Number(size), etag }
}

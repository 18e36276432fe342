import { call, getJson, path, send } from './client.ts'
import type { TaskKey } from './tasks.ts'
import type { Page, Run, RunRow, RunValue } from './types.ts'

export interface RunFilter {
  readonly state?: string
  readonly taskId?: string
  readonly q?: string
}

export function listRuns(
  filter: RunFilter,
  cursor: string | undefined,
  signal?: AbortSignal,
): Promise<Page<RunRow>> {
  const query = new URLSearchParams({ limit: '50' })
  for (const [name, value] of Object.entries({ ...filter, cursor })) if (value) query.set(name, value)
  return getJson(`task-runs?${query}`, signal)
}

/** Rows of these runs as they are now; at most 200. */
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

export function readValues(
  id: string,
  kind: 'inputs' | 'outputs',
  signal?: AbortSignal,
): Promise<readonly RunValue[]> {
  return getJson(`task-runs/${path(id)}/${kind}`, signal)
}

export interface LogPart {
  readonly text: string
  readonly next: string
  /** Nothing more will come. */
  readonly isComplete: boolean
}

/** What the log has beyond an offset; the whole of it beyond `0`. */
export async function readLog(id: string, after: string, signal?: AbortSignal): Promise<LogPart> {
  const headers = { accept: 'application/json' }
  const answer = await call(`task-runs/${path(id)}/logs?${new URLSearchParams({ after })}`, {
    signal,
    headers,
  })
  return (await answer.json()) as LogPart
}

export function createRun({ namespace, version }: TaskKey): Promise<Run> {
  return send('POST', `tasks/${path(namespace, version)}/runs`)
}

export async function startRun(id: string): Promise<Run> {
  return (
    await send<{ resource: Run }>('POST', `task-runs/${path(id)}/state-actions`, { desired: 'RUNNING' })
  ).resource
}

/** Ends an active run as FAILED with kind `cancelled`; its record, inputs and log stay. */
export async function cancelRun(id: string): Promise<void> {
  await send('POST', `task-runs/${path(id)}/state-actions`, { desired: 'CANCELLED' })
}

export function deleteRun(id: string): Promise<void> {
  return send('DELETE', `task-runs/${path(id)}`)
}

export function rerun(id: string): Promise<Run> {
  return send('POST', `task-runs/${path(id)}/rerun?start=true`)
}

/** Address of a file of a run, relative to the API. */
export function filePath(
  id: string,
  kind: 'input' | 'output',
  parameter: string,
  index?: readonly number[],
): string {
  const file = `task-runs/${path(id)}/${kind}/${path(parameter)}`
  return index === undefined ? file : `${file}/indexes?value=${index.join('/')}`
}

/** Size and tag of a file of a run, of which one byte is read; undefined where the answer does not tell them. */
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

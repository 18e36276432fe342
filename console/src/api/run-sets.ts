import { getJson, send } from './client.ts'
import { path } from './paths.ts'
import type { ListedSet, NewSet, Page, RunSet, SetRun } from './types.ts'

/* Routes of run sets. */

const PAGE = '50'
/** Maximum number of entries in a page. */
const LARGE_PAGE = '200'

export function listSets(cursor: string | undefined, signal?: AbortSignal): Promise<Page<ListedSet>> {
  const read = (after: string | undefined): Promise<Page<ListedSet>> =>
    getJson(`run-sets?${queryOf({ limit: PAGE, cursor: after })}`, signal)
  return firstWithContent(cursor, read)
}

/** The first page with content. The service may return empty pages before the end. */
async function firstWithContent<Entry>(
  cursor: string | undefined,
  read: (cursor: string | undefined) => Promise<Page<Entry>>,
): Promise<Page<Entry>> {
  let page = await read(cursor)
  while (page.content.length === 0 && page.next !== undefined) page = await read(page.next)
  return page
}

export function readSet(id: string, signal?: AbortSignal): Promise<RunSet> {
  return getJson(`run-sets/${path(id)}`, signal)
}

export function createSet(wanted: NewSet): Promise<RunSet> {
  return send('POST', 'run-sets', wanted)
}

export function retrySet(id: string): Promise<RunSet> {
  return send('POST', `run-sets/${path(id)}/retry`)
}

export function cancelSet(id: string): Promise<RunSet> {
  return send('POST', `run-sets/${path(id)}/cancel`)
}

export function deleteSet(id: string): Promise<void> {
  return send('DELETE', `run-sets/${path(id)}`)
}

/** A page of a set's runs; with `state`, only those in that state. */
export function listSetRuns(
  id: string,
  { state, cursor }: { readonly state: string; readonly cursor: string | undefined },
  signal?: AbortSignal,
): Promise<Page<SetRun>> {
  return firstWithContent(cursor, (after) => runsPage(id, { limit: PAGE, state, cursor: after }, signal))
}

/** The first runs of a set, at most `most`. */
export async function firstSetRuns(
  id: string,
  most: number,
  signal?: AbortSignal,
): Promise<readonly SetRun[]> {
  const runs: SetRun[] = []
  let cursor: string | undefined
  do {
    const page = await runsPage(id, { limit: LARGE_PAGE, cursor }, signal)
    runs.push(...page.content)
    cursor = page.next
  } while (cursor !== undefined && runs.length < most)
  return runs.slice(0, most)
}

type Query = Readonly<Record<string, string | undefined>>

function runsPage(id: string, query: Query, signal?: AbortSignal): Promise<Page<SetRun>> {
  return getJson(`run-sets/${path(id)}/runs?${queryOf(query)}`, signal)
}

function queryOf(values: Query): URLSearchParams {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value) query.set(name, value)
  return query
}

/** URL of a set's download, relative to the page. */
export function setFile(id: string, file: 'outputs.csv' | 'outputs.zip'): string {
  return `../run-sets/${path(id)}/${file}`
}

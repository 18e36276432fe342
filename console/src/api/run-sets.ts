import { getJson, path, send } from './client.ts'
import type { TaskKey } from './tasks.ts'
import type { Page, RunState, TaskName } from './types.ts'

/* Many runs of one task, made of a table of inputs. */

export type SetState = 'VALIDATING' | 'RUNNING' | 'FINISHED' | 'FAILED' | 'CANCELLED'

export interface SetCounts {
  readonly waiting: number
  readonly active: number
  readonly finished: number
  readonly failed: number
}

/** A row of the list of sets. */
export interface ListedSet {
  readonly id: string
  readonly name: string | null
  readonly task: TaskName | null
  readonly state: SetState
  readonly createdAt: string
  readonly updatedAt: string
  readonly maxConcurrency: number
  readonly round: number
  readonly rows: number
  readonly counts: SetCounts
  readonly cost: { readonly usd: number; readonly remainingUsd?: number }
}

export interface RowProblem {
  /** From 1; null for a shared value. */
  readonly row: number | null
  readonly column: string | null
  readonly message: string
}

export interface Problems {
  /** Number of all problems; `content` has the first of them. */
  readonly count: number
  readonly content: readonly RowProblem[]
}

export interface FailureGroup {
  readonly kind: string
  readonly message: string
  readonly count: number
  readonly example: { readonly row: number; readonly runId: string }
}

export interface RunSet extends ListedSet {
  readonly problems?: Problems
  readonly failures?: readonly FailureGroup[]
  readonly error?: { readonly kind: string; readonly message: string }
}

/** The latest run of a row. */
export interface SetRun {
  readonly row: number
  readonly runId: string
  readonly state: RunState
  readonly updatedAt: string | null
  readonly startedAt?: string
  readonly endedAt?: string
  readonly error?: { readonly kind: string; readonly message: string }
  readonly cost?: { readonly usd: number }
}

export interface NewSet {
  readonly name?: string
  readonly task: TaskKey
  readonly shared: Readonly<Record<string, unknown>>
  readonly rows: { readonly uploadId: string }
  readonly maxConcurrency: number
}

const PAGE = '50'
/** Most entries of a page that the service gives. */
const LARGE_PAGE = '200'

export function listSets(cursor: string | undefined, signal?: AbortSignal): Promise<Page<ListedSet>> {
  return getJson(`run-sets?${queryOf({ limit: PAGE, cursor })}`, signal)
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

/** A page of runs. With a state, calls that look at rows without a match are followed by the next one. */
export async function listSetRuns(
  id: string,
  { state, cursor }: { readonly state: string; readonly cursor: string | undefined },
  signal?: AbortSignal,
): Promise<Page<SetRun>> {
  let after = cursor
  for (;;) {
    const page = await runsPage(id, { limit: PAGE, state, cursor: after }, signal)
    if (page.content.length > 0 || page.next === undefined) return page
    after = page.next
  }
}

/** The first runs of a set, up to a number. */
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

/** Address of a download of a set. */
export function setFile(id: string, file: 'outputs.csv' | 'outputs.zip'): string {
  return `../run-sets/${path(id)}/${file}`
}

/** Whether runs of the set may still change. The rows of a refused table wait for ever. */
export function isOpen({ state, counts }: ListedSet): boolean {
  if (state === 'VALIDATING' || state === 'RUNNING') return true
  return counts.active > 0 || (state === 'CANCELLED' && counts.waiting > 0)
}

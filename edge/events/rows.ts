import * as z from 'zod'
import { BASE_PATH } from '../../src/contract/base-path.ts'
import type { Api } from '../api.ts'

/** Runs of one page, and ids in one call: the API's limits. */
export const NEWEST_RUNS = 200
const IDS_A_CALL = 200

const ACCEPT_JSON = ['accept', 'application/json'] as const

/** Row of the list of runs. */
export interface Row {
  readonly id: string
  /** Orders runs by creation. */
  readonly order: string
  readonly changedAt: string
  /** The row as JSON of the API. */
  readonly json: string
}

/** Rows that one round of calls has read. */
export interface Rows {
  /** The newest runs, newest first; undefined when no subscriber requests them. */
  readonly newest: readonly Row[] | undefined
  /** Existing runs of the requested ids. */
  readonly byId: ReadonlyMap<string, Row>
}

const listSchema = z.object({
  content: z.array(
    z.looseObject({ id: z.string(), createdAt: z.string(), updatedAt: z.string().nullable() }),
  ),
})

/** Reads the rows for all subscribers: one call for the newest runs, and one for each 200 ids. */
export async function readRows(
  api: Pick<Api, 'callJson'>,
  wanted: { readonly isNewest: boolean; readonly ids: ReadonlySet<string> },
  signal?: AbortSignal,
): Promise<Rows> {
  const list = async (query: string): Promise<readonly Row[]> => {
    const path = `${BASE_PATH}/task-runs?${query}`
    const call = { method: 'GET', path, headers: ACCEPT_JSON, ...(signal && { signal }) }
    return listSchema.parse(await api.callJson(call)).content.map((row) => ({
      id: row.id,
      order: `${row.createdAt}#${row.id}`,
      changedAt: row.updatedAt ?? row.createdAt,
      json: JSON.stringify(row),
    }))
  }
  const newest = wanted.isNewest ? await list(`limit=${NEWEST_RUNS}`) : undefined
  const byId = new Map<string, Row>()
  const ids = [...wanted.ids]
  for (let start = 0; start < ids.length; start += IDS_A_CALL) {
    const rows = await list(`id=${ids.slice(start, start + IDS_A_CALL).join(',')}`)
    for (const row of rows) byId.set(row.id, row)
  }
  return { newest, byId }
}

const partSchema = z.object({ text: z.string(), next: z.string(), isComplete: z.boolean() })
export type LogPart = z.infer<typeof partSchema>

/** Reads the next part of a log. */
export async function readLogPart(
  api: Pick<Api, 'callJson'>,
  { run, after }: { readonly run: string; readonly after: string },
  signal?: AbortSignal,
): Promise<LogPart> {
  const path = `${BASE_PATH}/task-runs/${run}/logs?after=${encodeURIComponent(after)}`
  return partSchema.parse(
    await api.callJson({ method: 'GET', path, headers: ACCEPT_JSON, ...(signal && { signal }) }),
  )
}

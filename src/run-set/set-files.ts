import * as z from 'zod'
import type { ObjectStore } from '../aws/object-store.ts'
import type { Immutable } from '../contract/immutable.ts'
import type { JsonValue } from '../contract/json.ts'
import { runSetPrefix } from '../contract/storage-keys.ts'
import { inputValueSchema, runSchema } from '../run/run.ts'
import { readAll } from '../shared/read-all.ts'
import { invalid, jsonRow, type Row, readRowTable } from './row-table.ts'

/* Files of a set in the bucket: its table and its shared values as sent, and the rows of each retry. */

const storedPlanSchema = z.object({
  provisions: runSchema.shape.provisions,
  values: z.array(inputValueSchema),
})
/** Values of a row or of a whole set, and the provisions of its runs. */
export type StoredPlan = Immutable<z.infer<typeof storedPlanSchema>>

type Objects = { readonly objects: ObjectStore }

/** Key of the table of inputs as it was sent. */
export function tableKey(setId: string): string {
  return `${runSetPrefix(setId)}rows`
}

function sharedKey(setId: string): string {
  return `${runSetPrefix(setId)}shared.json`
}

function sharedPlanKey(setId: string): string {
  return `${runSetPrefix(setId)}shared-plan.json`
}

function roundKey(setId: string, round: number): string {
  return `${runSetPrefix(setId)}round-${round}.json`
}

/**
 * Reads the table of a set.
 * @throws DomainError RUN_SET_INVALID
 */
export async function readTable({ objects }: Objects, setId: string): Promise<readonly Row[]> {
  const body = await objects.read(tableKey(setId))
  // Missing when the call that creates the set was killed.
  if (body === undefined) throw invalid('the table was not stored: create the set again')
  return readRowTable(decode(await readAll(body)))
}

/** Refuses invalid bytes: replaced characters could not be told from those of the table. */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw invalid('the table is not UTF-8 text; save it in this encoding (in Excel: CSV UTF-8)', cause)
  }
}

export async function storeShared({ objects }: Objects, setId: string, shared: JsonValue): Promise<void> {
  await objects.put(sharedKey(setId), JSON.stringify(shared))
}

export async function readShared({ objects }: Objects, setId: string): Promise<Row> {
  const body = await objects.read(sharedKey(setId))
  if (body === undefined) throw invalid('the shared values were not stored: create the set again')
  const text = (await readAll(body)).toString('utf8')
  return jsonRow(JSON.parse(text), 'shared')
}

/** Stores the shared values as the runs of the set refer to them. */
export async function storeSharedPlan({ objects }: Objects, setId: string, plan: StoredPlan): Promise<void> {
  await objects.put(sharedPlanKey(setId), JSON.stringify(plan))
}

/** Reads the shared values as the runs of the set refer to them; undefined before they are stored. */
export async function findSharedPlan({ objects }: Objects, setId: string): Promise<StoredPlan | undefined> {
  const body = await objects.read(sharedPlanKey(setId))
  if (body === undefined) return undefined
  return storedPlanSchema.parse(JSON.parse((await readAll(body)).toString('utf8')))
}

/** Stores the rows of a retry, from 0. */
export async function storeRound(
  { objects }: Objects,
  { id, round }: { readonly id: string; readonly round: number },
  rows: readonly number[],
): Promise<void> {
  await objects.put(roundKey(id, round), JSON.stringify(rows))
}

/** Reads the rows of a retry; undefined before they are stored. */
export async function findRound(
  { objects }: Objects,
  setId: string,
  round: number,
): Promise<number[] | undefined> {
  const body = await objects.read(roundKey(setId, round))
  return body === undefined ? undefined : (JSON.parse((await readAll(body)).toString('utf8')) as number[])
}

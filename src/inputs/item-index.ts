import type { ContentPlace } from '../archive/folder-zip/write-folder-zip.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import { readAll } from '../shared/read-all.ts'

/*
 * Where the items of an array lie in its zip, as a table of its own beside it: an item is found by two ranged reads, however many
 * there are. Offset and length, 8 bytes each, little-endian, at 16 times the index.
 */

/** The table's bytes. */
export type ItemIndex = Buffer

const RECORD_BYTES = 16
/** Arrays with wider gaps get no table; readers then look into the zip's directory. */
const MAX_RECORDS_AN_ITEM = 2

/** Key of the table that belongs to the array at `key`; names of parameters and ids of values have no dot. */
export function itemIndexKey(key: string): string {
  return `${key}.index`
}

/**
 * The table of an array whose items are single files.
 * @returns undefined for other arrays: of arrays, of folders, with wide gaps
 */
export function createItemIndex(
  indexes: ReadonlySet<number>,
  place: (index: number) => ContentPlace | undefined,
): ItemIndex | undefined {
  let size = 0
  for (const index of indexes) size = Math.max(size, index + 1)
  if (size > indexes.size * MAX_RECORDS_AN_ITEM) return undefined
  const table = Buffer.alloc(size * RECORD_BYTES)
  for (const index of indexes) {
    const found = place(index)
    if (found === undefined) return undefined
    table.writeBigUInt64LE(BigInt(found.offset), index * RECORD_BYTES)
    table.writeBigUInt64LE(BigInt(found.sizeBytes), index * RECORD_BYTES + 8)
  }
  return table
}

/** Where the item lies; `missing` when the table has none, undefined when there is no table. */
export async function findItemPlace(
  objects: ObjectStore,
  key: string,
  index: number,
): Promise<ContentPlace | 'missing' | undefined> {
  const range = { start: index * RECORD_BYTES, length: RECORD_BYTES }
  const body = await objects.read(itemIndexKey(key), range)
  if (body === undefined) return undefined
  const record = await readAll(body)
  if (record.length < RECORD_BYTES) return 'missing'
  const offset = Number(record.readBigUInt64LE(0))
  // No content starts at 0: a header stands before it.
  return offset === 0 ? 'missing' : { offset, sizeBytes: Number(record.readBigUInt64LE(8)) }
}

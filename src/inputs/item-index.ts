import type { ContentPlace } from '../archive/folder-zip/write-folder-zip.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import { readAll } from '../shared/read-all.ts'

/*
 * Table of an array's item positions in its zip, stored as an object beside it: an item is found with two ranged reads, whatever the
 * array's size. Offset and length, 8 bytes each, little-endian, at 16 times the index.
 */

export type ItemIndex = Buffer

const RECORD_BYTES = 16
/**
 * Maximum number of records for each item. Arrays with wider gaps get no table; readers then use the zip's directory.
 */
const MAX_RECORDS_AN_ITEM = 2

/** Key of the table that belongs to the array at `key`. No input has this key, because parameter names and value ids contain no dot. */
export function itemIndexKey(key: string): string {
  return `${key}.index`
}

/**
 * Creates the table of an array whose items are single files.
 * @returns undefined when an item is an array or a folder, or when the gaps between indexes are too wide
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

/** Position of an item; `missing` when the table lacks it, undefined when there is no table. */
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
  // No content has offset 0: a header precedes it.
  return offset === 0 ? 'missing' : { offset, sizeBytes: Number(record.readBigUInt64LE(8)) }
}

import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import type { ArchiveEntry } from '../archive/folder-zip/stored-zip.ts'
import {
  contentPlaces,
  type FolderFileContent,
  writeFolderZip,
} from '../archive/folder-zip/write-folder-zip.ts'
import { openObject } from '../aws/object-source.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import { readEntry } from '../inputs/array-inputs.ts'
import { folderEntries } from '../inputs/folder-entries.ts'
import { createItemIndex, itemIndexKey } from '../inputs/item-index.ts'
import { readAll } from '../shared/read-all.ts'
import { codecOf } from '../task/parameters/registry.ts'
import { leafOf, type ParameterType, type TaskOutput } from '../task/task.ts'
import type { ListedArray, RewrittenFiles } from './read-output.ts'

/*
 * Stores outputs in another form than the task wrote them: geometries that core cannot read. Downloads then match the listing.
 * Idempotent: a rewritten output is not rewritten again.
 */

/** Maximum size of files that are read whole; larger ones are streamed. */
const WHOLE_BYTES = 1024 * 1024

interface Dependencies {
  readonly objects: ObjectStore
}

/** Rewrites an output that is one text, at most 64 MiB. */
export async function rewriteOutput(deps: Dependencies, key: string, output: TaskOutput): Promise<void> {
  const bytes = await readAll(await openObject(deps.objects, key))
  await deps.objects.put(key, storedText(bytes, output.type, output.name))
}

interface ItemsToStore {
  readonly array: ListedArray
  readonly rewritten: RewrittenFiles
}

/** Stores the item table of an array, and its zip again when items are rewritten. The zip is streamed. */
export async function storeItems(
  deps: Dependencies,
  key: string,
  output: TaskOutput,
  items: ItemsToStore,
): Promise<void> {
  const { array, rewritten } = items
  const places = rewritten.size === 0 ? array.places : await rewriteArray(deps, key, output, items)
  if (places !== undefined) await deps.objects.put(itemIndexKey(key), places)
}

async function rewriteArray(
  deps: Dependencies,
  key: string,
  { name, type }: TaskOutput,
  { array: { indexes }, rewritten }: ItemsToStore,
): Promise<ListedArray['places']> {
  const sizeBytes = await deps.objects.size(key)
  if (sizeBytes === undefined) throw new Error(`object ${key} no longer exists`)
  const pathOf = (entryName: string): string => entryName.slice(name.length + 1)
  const files = (await folderEntries(deps, { key, sizeBytes })).map((entry) => ({
    name: entry.name,
    sizeBytes: rewritten.get(pathOf(entry.name)) ?? entry.sizeBytes,
    entry,
  }))
  const zip = writeFolderZip(files, async ({ entry }) => {
    if (!rewritten.has(pathOf(entry.name))) return contentOf(entry)
    const bytes = storedText(await readEntry(entry), leafOf(type), name)
    return { crc32: crc32(bytes), bytes: [bytes] }
  })
  await deps.objects.write(key, Readable.from(zip))
  const places = new Map(contentPlaces(files))
  return createItemIndex(indexes, (index) => places.get(`${name}/${index}`))
}

/** The checksum precedes the content, so a large file is read twice. Items of such arrays are small. */
async function contentOf(entry: ArchiveEntry): Promise<FolderFileContent> {
  if ('bytes' in entry || entry.sizeBytes <= WHOLE_BYTES) {
    const bytes = await readEntry(entry)
    return { crc32: crc32(bytes), bytes: [bytes] }
  }
  let checksum = 0
  for await (const chunk of await entry.open()) checksum = crc32(chunk, checksum)
  return { crc32: checksum, bytes: await entry.open() }
}

/** Form in which the type's codec stores the file. */
function storedText(bytes: Buffer, type: ParameterType, parameterName: string): Buffer {
  const value = codecOf(type)?.readOutput(new TextDecoder().decode(bytes), type, parameterName)
  return Buffer.from(String(value))
}

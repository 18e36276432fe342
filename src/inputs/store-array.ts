import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { contentPlaces, type FolderFile, writeFolderZip } from '../archive/folder-zip/write-folder-zip.ts'
import { type DomainError, parameterError } from '../contract/errors.ts'
import { inputValueKey } from '../contract/storage-keys.ts'
import type { FileContent, Provision, Run } from '../run/run.ts'
import { PassingDigest } from '../shared/content-digest.ts'
import type { ArrayFile, ProvisionedArray } from '../task/parameters/array.ts'
import { hasRoomFor } from './array-provisions.ts'
import { createItemIndex, itemIndexKey } from './item-index.ts'
import type { StoreDependencies } from './provisioning.ts'

/** Minimum number of items for a table: with fewer, reading the zip's directory is as fast. */
const MIN_TABLE_ITEMS = 1000

/**
 * Stores a checked array as one zip, with a table of its items when they are many.
 * @throws DomainError INTERNAL_INVALID_COLLECTION_DIMENSIONS
 */
export async function storeArray(
  deps: StoreDependencies,
  run: Run,
  parameterName: string,
  { files, indexes }: ProvisionedArray,
): Promise<Provision> {
  const size = indexes.length
  const isGapless = (indexes.at(-1) ?? -1) === size - 1
  if (!isGapless && !hasRoomFor(run, parameterName, { indexes })) {
    throw tooMany(parameterName, 'an array of this size must have an item for each index')
  }
  const valueId = deps.identity.uuid()
  const folder = folderOf(parameterName, files)
  const file = await storeFolder(deps, inputValueKey(run.id, parameterName, valueId), folder)
  if (size >= MIN_TABLE_ITEMS) {
    const places = new Map(contentPlaces(folder))
    const table = createItemIndex(new Set(indexes), (index) => places.get(`${parameterName}/${index}`))
    if (table !== undefined) await deps.objects.put(itemIndexKey(file.key), table)
  }
  await deps.runs.putInput({ runId: run.id, parameterName, valueId, file })
  return { kind: 'value', valueId, ...(isGapless ? { size } : { indexes }) }
}

/** Error for too many items. The contract has no limit, so the message explains what to do. */
export function tooMany(parameterName: string, text: string): DomainError {
  return parameterError('INTERNAL_INVALID_COLLECTION_DIMENSIONS', parameterName, text)
}

type TextFile = FolderFile & { readonly text: string }

export function folderOf(name: string, files: readonly ArrayFile[]): readonly TextFile[] {
  return files.map(({ path, text }) => ({
    name: `${name}/${path}`,
    sizeBytes: Buffer.byteLength(text),
    text,
  }))
}

/** Converts each text to bytes only when it is written, so that the folder is in memory once. */
export async function storeFolder(
  { objects }: Pick<StoreDependencies, 'objects'>,
  key: string,
  folder: readonly TextFile[],
): Promise<Extract<FileContent, { kind: 'tree' }>> {
  const zip = writeFolderZip(folder, ({ text }) => {
    const bytes = Buffer.from(text)
    return { crc32: crc32(bytes), bytes: [bytes] }
  })
  const passing = new PassingDigest()
  const sizeBytes = await objects.write(key, Readable.from(passing.of(zip)))
  return { kind: 'tree', key, sizeBytes, digest: passing.end() }
}

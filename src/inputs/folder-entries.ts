import { MAX_FOLDER_NAME_BYTES } from '../archive/folder-zip/folder-zip-name.ts'
import { openFolderZip } from '../archive/folder-zip/read-folder-zip.ts'
import type { ArchiveEntry } from '../archive/folder-zip/stored-zip.ts'
import type { ZipLimits } from '../archive/zip/zip-records.ts'
import { objectSource } from '../aws/object-source.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import type { ByteSource } from '../shared/byte-source.ts'
import { readAll } from '../shared/read-all.ts'

/** Limits for folders that this engine or the stager packed; an array of 100 000 items is one folder. */
export const TREE_LIMITS: ZipLimits = {
  maxEntries: 1_100_000,
  maxNameBytes: MAX_FOLDER_NAME_BYTES,
  maxEntryBytes: 200 * 1024 ** 3,
}

/** Maximum size of files that share requests; larger ones are streamed one by one. */
const SMALL_ENTRY_BYTES = 1024 * 1024

/** Read-ahead window: small at first, because a single file may be read, and doubled while reading continues. */
const FIRST_WINDOW_BYTES = 64 * 1024
const MAX_WINDOW_BYTES = 4 * 1024 * 1024

/**
 * Files of a folder that is stored as a zip in the form of `writeFolderZip`. Small files that are opened in order share
 * a few requests. A request takes at most 4 MiB of memory and leaves no connection open, wherever reading ends.
 * @throws ZipFormatError before the names are read, when the folder has more than `maxEntries` files
 */
export async function folderEntries(
  deps: { readonly objects: ObjectStore },
  { key, sizeBytes }: { readonly key: string; readonly sizeBytes: number },
  maxEntries = TREE_LIMITS.maxEntries,
): Promise<readonly ArchiveEntry[]> {
  const source = objectSource(deps.objects, { key, sizeBytes })
  const zip = await openFolderZip(source, { ...TREE_LIMITS, maxEntries })
  const readSmall = windowOf(source)
  return [...zip.names].map((name): ArchiveEntry => {
    const { offset, sizeBytes } = zip.place(name) ?? { offset: 0, sizeBytes: 0 }
    const isSmall = sizeBytes <= SMALL_ENTRY_BYTES
    const open = async () => (isSmall ? [await readSmall(offset, sizeBytes)] : source.read(offset, sizeBytes))
    return { name, sizeBytes, open }
  })
}

/** Bytes of a source from `start`. */
interface Window {
  readonly start: number
  readonly bytes: Buffer
}

function windowOf(source: ByteSource): (start: number, length: number) => Promise<Buffer> {
  let window: Window = { start: 0, bytes: Buffer.alloc(0) }
  let windowBytes = FIRST_WINDOW_BYTES
  return async (start, length) => {
    if (length === 0) return Buffer.alloc(0)
    const end = window.start + window.bytes.length
    if (start >= window.start && start + length <= end) return cut(window, start, length)
    // Headers are between the files.
    const isSequential = start >= window.start && start <= end + FIRST_WINDOW_BYTES && end > 0
    windowBytes = isSequential ? Math.min(2 * windowBytes, MAX_WINDOW_BYTES) : FIRST_WINDOW_BYTES
    const wanted = Math.min(Math.max(length, windowBytes), source.sizeBytes - start)
    const fetched = { start, bytes: await readAll(await source.read(start, wanted)) }
    window = fetched
    return cut(fetched, start, length)
  }
}

function cut(window: Window, start: number, length: number): Buffer {
  const at = start - window.start
  return window.bytes.subarray(at, at + length)
}

import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { readAll } from '../../shared/read-all.ts'
import { type FolderFileContent, writeFolderZip } from './write-folder-zip.ts'

/** A stream, or some pieces that are in memory: to make a stream of each of many small ones takes seconds. */
export type ArchiveContent = AsyncIterable<Uint8Array> | readonly Uint8Array[]

/** One file of an archive: its bytes, or what is opened when its turn comes. */
export type ArchiveEntry = { readonly name: string; readonly sizeBytes: number } & (
  | { readonly bytes: Buffer }
  | { readonly open: () => Promise<ArchiveContent> }
)

/** Entries up to here are read whole when their turn comes: their checksum then stands before them. */
const SMALL_ENTRY_BYTES = 1024 * 1024

/**
 * A zip of uncompressed entries as a stream; memory is the entries in memory and one stream buffer or small entry, whatever
 * the sizes. Without large entries it has the form that `openFolderZip` reads.
 */
export function storedZip(entries: Iterable<ArchiveEntry>): Readable {
  return Readable.from(writeFolderZip([...entries], openEntry), { objectMode: false })
}

async function openEntry(entry: ArchiveEntry): Promise<FolderFileContent> {
  if ('bytes' in entry) return { crc32: crc32(entry.bytes), bytes: [entry.bytes] }
  const bytes = await entry.open()
  if (entry.sizeBytes > SMALL_ENTRY_BYTES) return { crc32: undefined, bytes }
  const whole = await readAll(bytes)
  return { crc32: crc32(whole), bytes: [whole] }
}

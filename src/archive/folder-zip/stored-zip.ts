import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { readAll } from '../../shared/read-all.ts'
import { type FolderFileContent, writeFolderZip } from './write-folder-zip.ts'

/**
 * Content of an entry: a stream, or pieces in memory, since streams for thousands of small entries would take seconds.
 */
export type ArchiveContent = AsyncIterable<Uint8Array> | readonly Uint8Array[]

/** One file of an archive: its bytes, or a function that opens them when they are needed. */
export type ArchiveEntry = { readonly name: string; readonly sizeBytes: number } & (
  | { readonly bytes: Buffer }
  | { readonly open: () => Promise<ArchiveContent> }
)

/** Entries up to this size are buffered, so that their checksum can precede them. */
const SMALL_ENTRY_BYTES = 1024 * 1024

/**
 * Streams a zip of uncompressed entries. Memory: entries given as bytes, plus one stream buffer or small entry. Without
 * large entries the zip has the form that `openFolderZip` reads.
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

import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { ZipFile } from 'yazl'
import { readAll } from '../read-all.ts'
import { type FolderFileContent, writeFolderZip } from './write-folder-zip.ts'

/** A stream, or some pieces that are in memory: to make a stream of each of many small ones takes seconds. */
export type ArchiveContent = AsyncIterable<Uint8Array> | readonly Uint8Array[]

/** One file of an archive: its bytes, or what is opened when its turn comes. */
export type ArchiveEntry = { readonly name: string; readonly sizeBytes: number } & (
  | { readonly bytes: Buffer }
  | { readonly open: () => Promise<ArchiveContent> }
)

/** Entries get this time: the same files give the same archive. */
const NO_TIME = new Date(Date.UTC(1980, 0, 1))

/** Entries up to here are read whole when their turn comes: their checksum then stands before them. */
const SMALL_ENTRY_BYTES = 1024 * 1024

/**
 * A zip of uncompressed entries as a stream; memory is the entries in memory and one stream buffer or small entry, whatever
 * the sizes. Without large entries it has the form that `openFolderZip` reads.
 */
export function storedZip(entries: Iterable<ArchiveEntry>): Readable {
  const list = [...entries]
  return list.every((entry) => 'bytes' in entry || entry.sizeBytes <= SMALL_ENTRY_BYTES)
    ? Readable.from(writeFolderZip(list, readEntry))
    : streamedZip(list)
}

async function readEntry(entry: ArchiveEntry): Promise<FolderFileContent> {
  const bytes = 'bytes' in entry ? entry.bytes : await readAll(await entry.open())
  return { crc32: crc32(bytes), bytes: [bytes] }
}

/** Checksums follow the entries, as nobody knows them before. */
function streamedZip(entries: readonly ArchiveEntry[]): Readable {
  const zip = new ZipFile()
  for (const entry of entries) {
    const options = { compress: false, mtime: NO_TIME }
    if ('bytes' in entry) {
      zip.addBuffer(entry.bytes, entry.name, options)
      continue
    }
    zip.addReadStreamLazy(entry.name, { ...options, size: entry.sizeBytes }, (give) => {
      entry.open().then(
        (content) => give(null, Readable.from(content)),
        (error) => give(error, null as never),
      )
    })
  }
  zip.end()
  const output = zip.outputStream as Readable
  zip.on('error', (error: Error) => output.destroy(error))
  return output
}

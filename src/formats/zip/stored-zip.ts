import type { Readable } from 'node:stream'
import { ZipFile } from 'yazl'

/** One file of an archive: its bytes, or a stream that is opened when its turn comes. */
export type ArchiveEntry = { readonly name: string; readonly sizeBytes: number } & (
  | { readonly bytes: Buffer }
  | { readonly open: () => Promise<Readable> }
)

/** Entries get this time: the same files give the same archive. */
const NO_TIME = new Date(Date.UTC(1980, 0, 1))

/** A zip of uncompressed entries as a stream; memory is the entries in memory and one stream buffer, whatever the sizes. */
export function storedZip(entries: Iterable<ArchiveEntry>): Readable {
  const zip = new ZipFile()
  for (const entry of entries) {
    const options = { compress: false, mtime: NO_TIME }
    if ('bytes' in entry) {
      zip.addBuffer(entry.bytes, entry.name, options)
      continue
    }
    zip.addReadStreamLazy(entry.name, { ...options, size: entry.sizeBytes }, (give) => {
      entry.open().then(
        (stream) => give(null, stream),
        (error) => give(error, null as never),
      )
    })
  }
  zip.end()
  const output = zip.outputStream as Readable
  zip.on('error', (error: Error) => output.destroy(error))
  return output
}

import type { Readable } from 'node:stream'
import { ZipFile } from 'yazl'

/** One file of an archive; opened when its turn comes. */
export interface ArchiveEntry {
  readonly name: string
  readonly sizeBytes: number
  readonly open: () => Promise<Readable>
}

/** Entries get this time: the same files give the same archive. */
const NO_TIME = new Date(Date.UTC(1980, 0, 1))

/** A zip of uncompressed entries as a stream; memory is one stream buffer, whatever the sizes. */
export function storedZip(entries: readonly ArchiveEntry[]): Readable {
  const zip = new ZipFile()
  for (const entry of entries) {
    const options = { compress: false, mtime: NO_TIME, size: entry.sizeBytes }
    zip.addReadStreamLazy(entry.name, options, (give) => {
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

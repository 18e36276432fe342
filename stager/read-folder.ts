import { type Dir, type Dirent, opendirSync } from 'node:fs'

/** Number of entries that Node requests from the kernel per call. */
const ENTRIES_AT_ONCE = 512

/**
 * Lists a folder with a few hundred entries in memory. Names are bytes, because tasks may write any. Synchronous, which is ten
 * times faster here.
 * @throws Error of the kernel, immediately, when the folder cannot be opened
 */
export function readFolder(folder: string): Iterable<Dirent<Buffer>> {
  // Node's types allow text encodings only.
  const options = { encoding: 'buffer' as BufferEncoding, bufferSize: ENTRIES_AT_ONCE }
  return entriesOf(opendirSync(folder, options))
}

function* entriesOf(folder: Dir): Generator<Dirent<Buffer>, void, undefined> {
  try {
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
      yield entry as unknown as Dirent<Buffer>
    }
  } finally {
    folder.closeSync()
  }
}

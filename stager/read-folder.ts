import { type Dir, type Dirent, opendirSync } from 'node:fs'

/** Entries that Node asks the kernel for at a time. */
const ENTRIES_AT_ONCE = 512

/**
 * Entries of a folder as the kernel lists them, some hundred in memory at a time, whatever the folder holds. Names are bytes: a
 * task may have chosen any. Not asynchronous, which takes ten times longer.
 * @throws Error of the kernel, at once, when the folder cannot be opened
 */
export function readFolder(folder: string): Iterable<Dirent<Buffer>> {
  // The types of Node know of text alone.
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

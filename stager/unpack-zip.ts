import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'
import type { Entry } from 'yauzl'
import { type Budget, MAX_DEPTH } from './limits.ts'
import { FinalError, wordsOf } from './retry.ts'
import { safePath } from './safe-path.ts'
import { openZipFile, type ZipFile } from './zip-file.ts'

/** Entries up to this size are written synchronously and whole, which is faster than a stream for each. */
const SMALL_ENTRY_BYTES = 1024 * 1024

/**
 * Unpacks an array's zip, written by the App Engine, below a folder. Its items are from a client: all names and announced sizes are checked
 * before the first write, and the size and CRC-32 of each entry are verified. Memory: a few MiB for any number of entries.
 * @param name for messages
 * @throws FinalError
 */
export async function unpackZip(
  name: string,
  zipPath: string,
  folder: string,
  budget: Budget,
): Promise<void> {
  try {
    const zip = await openZipFile(zipPath)
    try {
      await checkDirectory(zip, folder, budget)
      let lastFolder = ''
      for await (const entry of zip.entries()) {
        const target = join(folder, safePath(entry.fileName))
        const parent = isFolder(entry) ? target : dirname(target)
        if (parent !== lastFolder) mkdirSync(parent, { recursive: true })
        lastFolder = parent
        if (!isFolder(entry)) await writeEntry(zip, entry, target)
      }
    } finally {
      zip.close()
    }
  } catch (error) {
    throw new FinalError(`unpacking ${name}: ${wordsOf(error)}`, { cause: error })
  }
}

function isFolder(entry: Entry): boolean {
  return entry.fileName.endsWith('/')
}

/** @throws Error before anything is written */
async function checkDirectory(zip: ZipFile, folder: string, budget: Budget): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  let free = bavail * bsize
  for await (const entry of zip.entries()) {
    const path = safePath(entry.fileName)
    if (path.split(sep).length > MAX_DEPTH)
      throw new FinalError(`its folders are nested more than ${MAX_DEPTH} levels deep`)
    if (entry.isEncrypted()) throw new FinalError(`${quoted(path)} is encrypted`)
    budget.take({ files: 1, bytes: entry.uncompressedSize })
    free -= entry.uncompressedSize
    if (free < 0) throw new FinalError('its files need more than the free disk of the task')
  }
}

async function writeEntry(zip: ZipFile, entry: Entry, target: string): Promise<void> {
  // `wx`: a second entry with the same name is an error.
  const once = { flag: 'wx' } as const
  let checksum = 0
  if (entry.uncompressedSize > SMALL_ENTRY_BYTES || entry.compressedSize > SMALL_ENTRY_BYTES) {
    // yauzl verifies the size, but no checksum.
    const content = await zip.open(entry)
    async function* counted() {
      for await (const chunk of content as AsyncIterable<Buffer>) {
        checksum = crc32(chunk, checksum)
        yield chunk
      }
    }
    await pipeline(counted, createWriteStream(target, { flags: once.flag }))
  } else {
    const content = zip.readSmall(entry)
    checksum = crc32(content)
    writeFileSync(target, content, once)
  }
  if (checksum !== entry.crc32) throw new FinalError(`${quoted(entry.fileName)} has the wrong checksum`)
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 200))
}

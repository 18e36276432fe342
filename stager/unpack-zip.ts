import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'
import yauzl from 'yauzl'
import { type Budget, MAX_DEPTH } from './limits.ts'
import { FinalError, wordsOf } from './retry.ts'
import { safePath } from './safe-path.ts'

/** Entries up to here are written whole, and at once: for small ones that is faster than a stream each. */
const SMALL_ENTRY_BYTES = 1024 * 1024

/**
 * Unpacks a zip below a folder. The zip may be a client's own, so nothing is written before all names and announced sizes
 * were found harmless, and nothing counts whose bytes are not as many, or have another CRC-32, than announced. Memory is some
 * MiB whatever the number of entries.
 * @param name in messages
 * @throws FinalError
 */
export async function unpackZip(
  name: string,
  zipPath: string,
  folder: string,
  budget: Budget,
): Promise<void> {
  try {
    await checkDirectory(zipPath, folder, (amount) => budget.take(name, amount))
    const zip = await yauzl.openPromise(zipPath)
    let lastFolder = ''
    for await (const entry of zip.eachEntry()) {
      const target = join(folder, safePath(entry.fileName))
      const parent = isFolder(entry) ? target : dirname(target)
      if (parent !== lastFolder) mkdirSync(parent, { recursive: true })
      lastFolder = parent
      if (!isFolder(entry)) await writeEntry(entry, await zip.openReadStreamPromise(entry), target)
    }
  } catch (error) {
    throw new FinalError(`unpacking ${name}: ${wordsOf(error)}`, { cause: error })
  }
}

function isFolder(entry: yauzl.Entry): boolean {
  return entry.fileName.endsWith('/')
}

/** @throws Error before anything is written */
async function checkDirectory(zipPath: string, folder: string, take: Take): Promise<void> {
  const zip = await yauzl.openPromise(zipPath)
  const { bavail, bsize } = await statfs(folder)
  let free = bavail * bsize
  for await (const entry of zip.eachEntry()) {
    const path = safePath(entry.fileName)
    if (path.split(sep).length > MAX_DEPTH) throw new FinalError(`folders may lie ${MAX_DEPTH} deep`)
    if (entry.isEncrypted()) throw new FinalError(`${quoted(path)} is encrypted`)
    take({ files: 1, bytes: entry.uncompressedSize })
    free -= entry.uncompressedSize
    if (free < 0) throw new FinalError('its files need more than the free disk of the task')
  }
}

type Take = (amount: Parameters<Budget['take']>[1]) => void

/** yauzl compares the number of bytes with the one announced, but no checksum. */
async function writeEntry(entry: yauzl.Entry, content: Readable, target: string): Promise<void> {
  let checksum = 0
  async function* counted() {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      checksum = crc32(chunk, checksum)
      yield chunk
    }
  }
  // A second entry of the same name is an error, and does not replace the first.
  const once = { flag: 'wx' } as const
  if (entry.uncompressedSize > SMALL_ENTRY_BYTES) {
    await pipeline(counted, createWriteStream(target, { flags: once.flag }))
  } else {
    const chunks: Buffer[] = []
    for await (const chunk of counted()) chunks.push(chunk)
    writeFileSync(target, Buffer.concat(chunks), once)
  }
  if (checksum !== entry.crc32) throw new FinalError(`${quoted(entry.fileName)} has the wrong checksum`)
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 200))
}

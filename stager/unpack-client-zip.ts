import { createReadStream, createWriteStream, mkdirSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { openZip, type ZipArchive } from '../src/archive/zip/read-zip.ts'
import type { ByteSource } from '../src/shared/byte-source.ts'
import { type Budget, MAX_DEPTH } from './limits.ts'
import { FinalError, wordsOf } from './retry.ts'
import { safePath } from './safe-path.ts'

/**
 * Unpacks a client's zip below a folder, with the reader that accepted it when it was provisioned: the same entries, methods and checks.
 * All names and announced sizes are checked before the first write. Memory: the directory (10 000 entries at most) and a few MiB.
 * @param name for messages
 * @throws FinalError
 */
export async function unpackClientZip(
  name: string,
  zipPath: string,
  folder: string,
  budget: Budget,
): Promise<void> {
  try {
    const zip = await openZip(fileSource(zipPath))
    await checkEntries(zip, folder, budget)
    for (const entry of zip.entries) {
      const target = join(folder, safePath(entry.name))
      mkdirSync(dirname(target), { recursive: true })
      await pipeline(zip.read(entry), createWriteStream(target, { flags: 'wx' }))
    }
  } catch (error) {
    throw new FinalError(`unpacking ${name}: ${wordsOf(error)}`, { cause: error })
  }
}

async function checkEntries({ entries }: ZipArchive, folder: string, budget: Budget): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  let sizeBytes = 0
  for (const entry of entries) {
    sizeBytes += entry.sizeBytes
    const depth = safePath(entry.name).split('/').length
    if (depth > MAX_DEPTH) throw new FinalError(`its folders are nested more than ${MAX_DEPTH} levels deep`)
  }
  budget.take({ files: entries.length, bytes: sizeBytes })
  if (sizeBytes > bavail * bsize) throw new FinalError('its files need more than the free disk of the task')
}

function fileSource(path: string): ByteSource {
  return {
    sizeBytes: statSync(path).size,
    read: async (start, length) => createReadStream(path, { start, end: start + length - 1 }),
  }
}

import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import yauzl from 'yauzl'
import { ZipFile } from 'yazl'

/** More files than any output folder of images has; a task that floods one gets a clear end. */
const MAX_FILES = 100_000

/** Regular files below a folder as paths relative to it, sorted; links and devices are left out. */
async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  if (files.length > MAX_FILES) {
    throw new Error(`${folder} has ${files.length} files; at most ${MAX_FILES} are taken`)
  }
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort()
}

/**
 * A folder as a zip of uncompressed entries below `name`, streamed; its size is known beforehand, which a presigned PUT needs.
 */
export async function packFolder(
  folder: string,
  name: string,
): Promise<{ readonly sizeBytes: number; readonly stream: Readable }> {
  const zip = new ZipFile()
  for (const file of await listFiles(folder)) {
    zip.addFile(join(folder, file), `${name}/${file}`, { compress: false })
  }
  const sizeBytes = await new Promise<number>((resolve) => {
    // Its types forget the argument.
    zip.end({ forceZip64Format: false, comment: '' }, ((size: number) => resolve(size)) as () => void)
  })
  return { sizeBytes, stream: zip.outputStream as Readable }
}

/**
 * Unpacks a zip that the App Engine made below a folder, and removes the zip.
 * @param safe throws for a name that leaves the folder
 */
export async function unpackFolder(
  zipPath: string,
  folder: string,
  safe: (name: string) => string,
): Promise<void> {
  const zip = await yauzl.openPromise(zipPath)
  for await (const entry of zip.eachEntry()) {
    const target = join(folder, safe(entry.fileName))
    await mkdir(dirname(target), { recursive: true })
    await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(target))
  }
  await rm(zipPath)
}

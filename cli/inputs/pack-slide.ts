import { createReadStream, createWriteStream, statSync } from 'node:fs'
import { relative } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'
import { writeFolderZip } from '../../src/archive/folder-zip/write-folder-zip.ts'
import { filesBelow } from '../task/files-below.ts'

/** Packs a folder with the files of a DICOM slide into a zip for the service. */
export async function packSlide(folder: string, target: string, signal?: AbortSignal): Promise<void> {
  const files: { name: string; path: string; sizeBytes: number }[] = []
  for await (const { path } of filesBelow(folder)) {
    // Links to files are packed as files.
    const info = statSync(path, { throwIfNoEntry: false })
    if (info?.isFile() === true) files.push({ name: relative(folder, path), path, sizeBytes: info.size })
  }
  const zip = writeFolderZip(files, async ({ path }) => {
    let checksum = 0
    for await (const chunk of createReadStream(path)) checksum = crc32(chunk as Buffer, checksum)
    return { crc32: checksum, bytes: createReadStream(path) }
  })
  await pipeline(
    Readable.from(zip, { objectMode: false }),
    createWriteStream(target),
    signal === undefined ? {} : { signal },
  )
}

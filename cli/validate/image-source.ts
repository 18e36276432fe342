import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ZipArchive, ZipEntry } from '../../src/archive/zip/read-zip.ts'
import type { ByteSource } from '../../src/shared/byte-source.ts'
import { fileSource } from '../task/file-source.ts'
import { createTemporaryFolder } from '../temporary-folder.ts'

/** An entry with random access. */
interface OpenSource {
  readonly bytes: ByteSource
  close(): Promise<void>
}

/**
 * Opens an entry of an archive for random access. A deflated one is unpacked into a temporary file.
 * @throws ZipFormatError
 */
export async function sourceOf(archive: ZipArchive, entry: ZipEntry): Promise<OpenSource> {
  const stored = await archive.stored(entry)
  if (stored !== undefined) return { bytes: stored.source, close: async () => {} }
  const { path: folder, remove: close } = await createTemporaryFolder()
  try {
    const file = join(folder, 'image.tar')
    await pipeline(Readable.from(archive.read(entry)), createWriteStream(file))
    return { bytes: await fileSource(file), close }
  } catch (error) {
    await close()
    throw error
  }
}

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createCrcCoverage } from '../../src/archive/zip/crc-coverage.ts'
import type { ZipArchive, ZipEntry } from '../../src/archive/zip/read-zip.ts'
import type { ByteSource } from '../../src/shared/byte-source.ts'
import { fileSource } from './file-source.ts'

/**
 * The files in the root of a folder and the links to files, presented as the bundle that would be packed from them. Files have random access and any size.
 */
export async function openFolder(folder: string): Promise<ZipArchive> {
  const entries = await Promise.all(
    (await readdir(folder)).map(async (name): Promise<ZipEntry[]> => {
      const info = await stat(join(folder, name)).catch(() => undefined)
      return info?.isFile() === true ? [{ name, sizeBytes: info.size }] : []
    }),
  )
  return viewOf(entries.flat(), ({ name }) => fileSource(join(folder, name)))
}

/** An image archive, presented as a bundle with no other entry. */
export function openSingle(name: string, source: ByteSource): ZipArchive {
  return viewOf([{ name, sizeBytes: source.sizeBytes }], async () => source)
}

function viewOf(entries: readonly ZipEntry[], open: (entry: ZipEntry) => Promise<ByteSource>): ZipArchive {
  return {
    entries,
    async *read(entry) {
      const source = await open(entry)
      if (source.sizeBytes > 0) yield* await source.read(0, source.sizeBytes)
    },
    stored: async (entry) => ({
      source: await open(entry),
      coverage: createCrcCoverage(),
      // A file has no checksum to compare with.
      verify: async () => {},
    }),
  }
}

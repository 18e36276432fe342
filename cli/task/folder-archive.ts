import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createCrcCoverage } from '../../src/archive/zip/crc-coverage.ts'
import type { ZipArchive, ZipEntry } from '../../src/archive/zip/read-zip.ts'
import type { ByteSource } from '../../src/shared/byte-source.ts'
import { fileSource } from './file-source.ts'

/**
 * The files in the root of a folder in the form of an archive: as the service would see them in a bundle. Random access, for
 * files of any size.
 */
export async function openFolder(folder: string): Promise<ZipArchive> {
  const names = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile())
  const entries = await Promise.all(
    names.map(async ({ name }): Promise<ZipEntry> => {
      return { name, sizeBytes: (await stat(join(folder, name))).size }
    }),
  )
  return viewOf(entries, ({ name }) => fileSource(join(folder, name)))
}

/** An image archive alone, in the same form. */
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

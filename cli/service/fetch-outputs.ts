import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { openZip } from '../../src/archive/zip/read-zip.ts'
import { ZipFormatError } from '../../src/archive/zip/zip-format-error.ts'
import { requireOutputFolder } from '../outputs/output-folder.ts'
import { writeBelow } from '../outputs/write-below.ts'
import { fileSource } from '../task/file-source.ts'
import { createTemporaryFolder } from '../temporary-folder.ts'
import { CommandError } from '../terminal/command-error.ts'
import type { Service } from './service.ts'

/** Higher than the defaults: a run's arrays may have many files. */
const LIMITS = { maxEntries: 500_000, maxNameBytes: 4096, maxEntryBytes: 200 * 1024 ** 3 }

/**
 * Downloads an archive of a run and unpacks it into a folder.
 * @returns paths of the files
 * @throws CommandError
 */
export async function fetchArchive(
  service: Service,
  path: string,
  folder: string,
): Promise<readonly string[]> {
  await requireOutputFolder(folder)
  const { path: work, remove } = await createTemporaryFolder()
  try {
    const file = join(work, 'archive.zip')
    const { body } = await service.download(path)
    await pipeline(Readable.fromWeb(body), createWriteStream(file))
    const zip = await openZip(await fileSource(file), LIMITS).catch((error: unknown) => {
      if (!(error instanceof ZipFormatError)) throw error
      throw new CommandError(`the archive that ${service.url} sent cannot be read: ${error.message}`)
    })
    const written: string[] = []
    for (const entry of zip.entries) {
      // openZip rejects names that leave the folder.
      written.push(await writeBelow(folder, entry.name, zip.read(entry), service.signal))
    }
    return written
  } finally {
    await remove()
  }
}

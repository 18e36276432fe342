import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { openZip } from '../../src/archive/zip/read-zip.ts'
import { writeBelow } from '../outputs/write-below.ts'
import { fileSource } from '../task/file-source.ts'
import { CommandError } from '../terminal/command-error.ts'
import type { Service } from './service.ts'

/** Arrays of a run may have many files. */
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
  const work = await mkdtemp(join(tmpdir(), 'cytomine-task-'))
  try {
    const file = join(work, 'archive.zip')
    const answer = await service.call(path)
    if (answer.body === null) throw new CommandError(`${path} is empty`)
    await pipeline(Readable.fromWeb(answer.body), createWriteStream(file))
    const zip = await openZip(await fileSource(file), LIMITS)
    const written: string[] = []
    for (const entry of zip.entries) {
      // openZip rejects names that leave the folder.
      written.push(await writeBelow(folder, entry.name, zip.read(entry)))
    }
    return written
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

import { Readable } from 'node:stream'
import type { Context } from 'hono'
import { DomainError } from '../../src/domain/errors.ts'
import { readAll } from '../../src/formats/read-all.ts'
import { openZip } from '../../src/formats/zip/read-zip.ts'
import { type ArchiveEntry, storedZip } from '../../src/formats/zip/stored-zip.ts'
import type { ObjectStore } from '../../src/ports.ts'
import { objectSource } from '../../src/use-cases/object-source.ts'
import { openFile, type StoredFile } from '../../src/use-cases/read-run-values.ts'
import { answerBytes, answerFile, INLINE_ANSWER_BYTES } from './download.ts'

const CONTENT_TYPE = 'application/octet-stream'

/**
 * A zip of stored files, entries uncompressed (http-api 5.22): small ones in the answer, large ones streamed into the bucket
 * beside the run's files and answered by a redirect.
 * @throws DomainError INTERNAL_PROVISIONS_NOT_FOUND when there is nothing to pack
 */
export async function answerArchive(
  context: Context,
  deps: { readonly objects: ObjectStore },
  files: readonly StoredFile[],
  archive: { readonly fileName: string; readonly key: string },
): Promise<Response> {
  if (files.length === 0) throw new DomainError('INTERNAL_PROVISIONS_NOT_FOUND')
  const entries = (await Promise.all(files.map((file) => entriesOf(deps, file)))).flat()
  const zip = storedZip(entries)
  const presentation = { contentType: CONTENT_TYPE, fileName: archive.fileName }
  // Half of it, for names and headers of small files may take as much as their bytes.
  if (entries.reduce((sum, entry) => sum + entry.sizeBytes, 0) <= INLINE_ANSWER_BYTES / 2) {
    return answerBytes(context, await readAll(zip), presentation)
  }
  const sizeBytes = await deps.objects.write(archive.key, zip, CONTENT_TYPE)
  const stored: StoredFile = { kind: 'object', name: archive.fileName, key: archive.key, sizeBytes }
  return answerFile(context, deps, stored, presentation)
}

/** A file is one entry; a folder's entries are those of its zip, which carry its name already. */
async function entriesOf(
  deps: { readonly objects: ObjectStore },
  file: StoredFile,
): Promise<readonly ArchiveEntry[]> {
  if (file.kind === 'tree') {
    const zip = await openZip(objectSource(deps.objects, file.key, file.sizeBytes))
    return zip.entries.map((entry) => ({ ...entry, open: async () => Readable.from(zip.read(entry)) }))
  }
  const sizeBytes = file.kind === 'inline' ? Buffer.byteLength(file.text) : file.sizeBytes
  return [{ name: file.name, sizeBytes, open: () => openFile(deps, file) }]
}

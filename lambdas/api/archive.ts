import type { Context } from 'hono'
import { DomainError } from '../../src/domain/errors.ts'
import { readAll } from '../../src/formats/read-all.ts'
import { type ArchiveEntry, storedZip } from '../../src/formats/zip/stored-zip.ts'
import type { ObjectStore } from '../../src/ports.ts'
import type { StoredFile } from '../../src/use-cases/read-run-values.ts'
import { answerBytes, answerFile, INLINE_ANSWER_BYTES } from './download.ts'

const CONTENT_TYPE = 'application/octet-stream'

/** What an entry takes in a zip beside its bytes: two headers and its name twice. */
const ENTRY_BYTES = 256

/**
 * A zip of stored files, entries uncompressed (http-api 5.22): small ones in the answer, large ones streamed into the bucket
 * beside the run's files and answered by a redirect.
 * @throws DomainError INTERNAL_PROVISIONS_NOT_FOUND when there is nothing to pack
 */
export async function answerArchive(
  context: Context,
  deps: { readonly objects: ObjectStore },
  entries: readonly ArchiveEntry[],
  archive: { readonly fileName: string; readonly key: string },
): Promise<Response> {
  if (entries.length === 0) throw new DomainError('INTERNAL_PROVISIONS_NOT_FOUND')
  const zip = storedZip(entries)
  const presentation = { contentType: CONTENT_TYPE, fileName: archive.fileName }
  const about = entries.reduce((sum, entry) => sum + entry.sizeBytes + ENTRY_BYTES, 0)
  if (about <= INLINE_ANSWER_BYTES) return answerBytes(context, await readAll(zip), presentation)
  const sizeBytes = await deps.objects.write(archive.key, zip, CONTENT_TYPE)
  const stored: StoredFile = { kind: 'object', name: archive.fileName, key: archive.key, sizeBytes }
  return answerFile(context, deps, stored, presentation)
}

/** One file of an archive by itself; a large one is laid beside the run's files and answered by a redirect. */
export async function answerEntry(
  context: Context,
  deps: { readonly objects: ObjectStore },
  entry: ArchiveEntry,
  fileName: string,
  key: string,
): Promise<Response> {
  const presentation = { contentType: CONTENT_TYPE, fileName }
  if ('bytes' in entry) return answerBytes(context, entry.bytes, presentation)
  const body = await entry.open()
  if (entry.sizeBytes <= INLINE_ANSWER_BYTES) return answerBytes(context, await readAll(body), presentation)
  const sizeBytes = await deps.objects.write(key, body, CONTENT_TYPE)
  return answerFile(context, deps, { kind: 'object', name: fileName, key, sizeBytes }, presentation)
}

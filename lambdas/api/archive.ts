import { Readable } from 'node:stream'
import type { Context } from 'hono'
import { DomainError } from '../../src/domain/errors.ts'
import { readAll } from '../../src/formats/read-all.ts'
import { type ArchiveEntry, storedZip } from '../../src/formats/zip/stored-zip.ts'
import type { ObjectStore, RunRepository } from '../../src/ports.ts'
import { findPrepared, type PreparedPlace, storePrepared } from '../../src/use-cases/prepared-file.ts'
import type { Download, Packing } from '../../src/use-cases/run-files.ts'
import { answerBytes, answerFile, INLINE_ANSWER_BYTES, type Presentation } from './download.ts'

interface Dependencies {
  readonly objects: ObjectStore
  readonly runs: RunRepository
}

/** What an entry takes in a zip beside its bytes: two headers and its name twice. */
const ENTRY_BYTES = 256

/**
 * Answers with what can be downloaded of a run: small things in the answer, large ones by a redirect to where they lie, or are laid
 * first. A folder comes as a zip of uncompressed entries (http-api 5.22).
 * @throws DomainError INTERNAL_PROVISIONS_NOT_FOUND when there is nothing to pack
 */
export async function answerDownload(
  context: Context,
  deps: Dependencies,
  runId: string,
  download: Download,
  presentation: Presentation,
): Promise<Response> {
  switch (download.kind) {
    case 'part':
      return answerPart(context, deps, runId, download, presentation)
    case 'packing':
      return answerArchive(context, deps, runId, download, presentation)
    default:
      return answerFile(context, deps, download, presentation)
  }
}

async function answerArchive(
  context: Context,
  deps: Dependencies,
  runId: string,
  packing: Packing,
  presentation: Presentation,
): Promise<Response> {
  const prepared = await findPrepared(deps, packing)
  if (prepared !== undefined) return answerFile(context, deps, prepared, presentation)
  const entries = await packing.entries()
  if (entries.length === 0) throw new DomainError('INTERNAL_PROVISIONS_NOT_FOUND')
  const zip = storedZip(entries)
  const about = entries.reduce((sum, entry) => sum + entry.sizeBytes + ENTRY_BYTES, 0)
  if (about <= INLINE_ANSWER_BYTES) return answerBytes(context, await readAll(zip), presentation)
  return answerFile(context, deps, await storePrepared(deps, runId, packing, zip), presentation)
}

async function answerPart(
  context: Context,
  deps: Dependencies,
  runId: string,
  { entry, ...place }: PreparedPlace & { readonly entry: ArchiveEntry },
  presentation: Presentation,
): Promise<Response> {
  if ('bytes' in entry) return answerBytes(context, entry.bytes, presentation)
  if (entry.sizeBytes <= INLINE_ANSWER_BYTES) {
    return answerBytes(context, await readAll(await entry.open()), presentation)
  }
  const prepared =
    (await findPrepared(deps, place)) ??
    (await storePrepared(deps, runId, place, Readable.from(await entry.open())))
  return answerFile(context, deps, prepared, presentation)
}

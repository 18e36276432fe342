import { Readable } from 'node:stream'
import type { Context } from 'hono'
import { type ArchiveEntry, storedZip } from '../../src/archive/folder-zip/stored-zip.ts'
import type { ObjectStore } from '../../src/aws/object-store.ts'
import { DomainError } from '../../src/contract/errors.ts'
import { findPrepared, type PreparedPlace, storePrepared } from '../../src/inputs/prepared-file.ts'
import type { Download, Packing } from '../../src/inputs/run-files.ts'
import type { RunRepository } from '../../src/run/run-repository.ts'
import {
  answerFile,
  answerRedirect,
  answerText,
  INLINE_ANSWER_BYTES,
  type Presentation,
  readText,
} from './download.ts'

interface Dependencies {
  readonly objects: ObjectStore
  readonly runs: RunRepository
}

/** Headers of the response, and the run of the download. */
interface RunPresentation extends Presentation {
  readonly runId: string
}

/**
 * Answers a download from a run: a small text in the body, everything else by a redirect to an object, which is created first if
 * it does not exist. A folder is a zip of uncompressed entries (http-api 5.22).
 * @throws DomainError INTERNAL_PROVISIONS_NOT_FOUND when there is nothing to pack
 */
export async function answerDownload(
  context: Context,
  deps: Dependencies,
  download: Download,
  presentation: RunPresentation,
): Promise<Response> {
  switch (download.kind) {
    case 'part':
      return answerPart(context, deps, download, presentation)
    case 'packing':
      return answerArchive(context, deps, download, presentation)
    default:
      return answerFile(context, deps, download, presentation)
  }
}

async function answerArchive(
  context: Context,
  deps: Dependencies,
  packing: Packing,
  presentation: RunPresentation,
): Promise<Response> {
  let prepared = await findPrepared(deps, packing)
  if (prepared === undefined) {
    const entries = await packing.entries()
    if (entries.length === 0) throw new DomainError('INTERNAL_PROVISIONS_NOT_FOUND')
    prepared = await storePrepared(deps, presentation.runId, packing, storedZip(entries))
  }
  return answerRedirect(context, deps, prepared.key, presentation)
}

async function answerPart(
  context: Context,
  deps: Dependencies,
  { entry, ...place }: PreparedPlace & { readonly entry: ArchiveEntry },
  presentation: RunPresentation,
): Promise<Response> {
  const open = async () => ('bytes' in entry ? [entry.bytes] : await entry.open())
  const isSmall = entry.sizeBytes <= INLINE_ANSWER_BYTES
  const text = isSmall ? await readText(Readable.from(await open())) : undefined
  const answer = text && answerText(context, text, presentation)
  if (answer !== undefined) return answer
  const prepared =
    (await findPrepared(deps, place)) ??
    (await storePrepared(deps, presentation.runId, place, Readable.from(await open())))
  return answerRedirect(context, deps, prepared.key, presentation)
}

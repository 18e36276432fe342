import type { ObjectStore } from '../aws/object-store.ts'
import type { PartStore, StoredPart } from '../aws/part-store.ts'
import { MAX_UPLOAD_BYTES, MIN_PART_BYTES } from '../contract/upload-limits.ts'
import { findUpload, hasOpenParts, uploadError } from './find-upload.ts'
import type { Upload } from './upload.ts'
import type { UploadRepository } from './upload-repository.ts'

interface Dependencies {
  readonly objects: Pick<ObjectStore, 'size'>
  readonly parts: PartStore
  readonly uploads: UploadRepository
}

/** Maximum number of part numbers in a message. */
const NUMBERS_SHOWN = 10

/**
 * Creates the object from the parts that have arrived. Then an input file is READY, and the bucket's event starts the import of a
 * bundle. Idempotent.
 * @throws DomainError UPLOAD_NOT_FOUND, UPLOAD_INVALID for missing or invalid parts, UPLOAD_INVALID_STATE when the parts have
 * expired
 */
export async function completeUpload(deps: Dependencies, uploadId: string): Promise<Upload> {
  const upload = await findUpload(deps, uploadId)
  if (!hasOpenParts(upload)) return upload
  // Without parts, an earlier call may have created the object and crashed before it recorded that.
  const sizeBytes = (await joinParts(deps, upload)) ?? (await deps.objects.size(upload.key))
  if (sizeBytes !== undefined) {
    const state = upload.purpose === 'input' ? ({ state: 'READY' } as const) : {}
    await deps.uploads.closeParts(upload.id, { sizeBytes, ...state })
  }
  const present = await findUpload(deps, uploadId)
  if (!hasOpenParts(present)) return present
  const words = 'its parts have expired: an unfinished upload is kept for one day; create a new one'
  throw uploadError('UPLOAD_INVALID_STATE', 'id', words)
}

/**
 * @returns size of the object; undefined when the parts no longer exist: another call completed the upload, or it
 * expired
 */
async function joinParts(
  { parts }: Dependencies,
  upload: Upload & Required<Pick<Upload, 'parts'>>,
): Promise<number | undefined> {
  const { multipartId } = upload.parts
  const arrived = await parts.list(upload.key, multipartId)
  if (arrived === undefined) return undefined
  const sizeBytes = checkParts(upload, arrived)
  return (await parts.complete(upload.key, multipartId, arrived)) ? sizeBytes : undefined
}

/**
 * @returns size of all parts
 * @throws DomainError UPLOAD_INVALID
 */
function checkParts({ sizeBytes }: Upload, parts: readonly StoredPart[]): number {
  const refuse = (field: string, words: string) => uploadError('UPLOAD_INVALID', field, words)
  if (parts.length === 0) throw refuse('parts', 'no part has arrived')
  const missing = missingNumbers(parts)
  if (missing.length > 0) {
    const shown = missing.slice(0, NUMBERS_SHOWN).join(', ') + (missing.length > NUMBERS_SHOWN ? ', …' : '')
    throw refuse('parts', `parts are missing: send ${shown}`)
  }
  const small = parts.slice(0, -1).find((part) => part.sizeBytes < MIN_PART_BYTES)
  if (small !== undefined) {
    const words = `part ${small.partNumber} has ${small.sizeBytes} bytes; expected at least ${MIN_PART_BYTES}, except for the last part`
    throw refuse('parts', words)
  }
  const total = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
  if (sizeBytes !== undefined && total !== sizeBytes) {
    throw refuse('sizeBytes', `the parts have ${total} bytes together; expected the announced ${sizeBytes}`)
  }
  if (total > MAX_UPLOAD_BYTES) {
    throw refuse('sizeBytes', `the parts have ${total} bytes together; expected at most ${MAX_UPLOAD_BYTES}`)
  }
  return total
}

/** Missing numbers below the highest one. */
function missingNumbers(parts: readonly StoredPart[]): readonly number[] {
  const numbers = new Set(parts.map(({ partNumber }) => partNumber))
  const last = parts.at(-1)?.partNumber ?? 0
  return Array.from({ length: last }, (_, index) => index + 1).filter((number) => !numbers.has(number))
}

import type { PartStore } from '../aws/part-store.ts'
import type { Identity } from '../shared/identity.ts'
import { findUpload, hasOpenParts, uploadError } from './find-upload.ts'
import type { UploadRepository } from './upload-repository.ts'

interface Dependencies {
  readonly identity: Identity
  readonly parts: Pick<PartStore, 'presignPart'>
  readonly uploads: Pick<UploadRepository, 'find'>
}

/** Numbers of parts, both ends included. */
export interface PartRange {
  readonly first: number
  readonly last: number
}

/** Presigned URLs for the PUT of parts. */
export interface SignedParts {
  readonly expiresAt: string
  readonly parts: readonly { readonly partNumber: number; readonly url: string }[]
}

/**
 * Lifetime of a URL. It is short, because a URL also expires with the session of the function that signs it. Clients
 * request new ones.
 */
const URL_SECONDS = 900

/**
 * Presigns URLs for a range of parts.
 * @throws DomainError UPLOAD_NOT_FOUND, UPLOAD_INVALID_STATE when the upload is completed
 */
export async function signUploadParts(
  deps: Dependencies,
  uploadId: string,
  { first, last }: PartRange,
): Promise<SignedParts> {
  const upload = await findUpload(deps, uploadId)
  if (!hasOpenParts(upload)) {
    throw uploadError('UPLOAD_INVALID_STATE', 'id', 'the upload is completed: it accepts no more parts')
  }
  const { multipartId } = upload.parts
  const expiresAt = new Date(deps.identity.now().getTime() + URL_SECONDS * 1000).toISOString()
  const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index)
  const parts = await Promise.all(
    numbers.map(async (partNumber) => ({
      partNumber,
      url: await deps.parts.presignPart(upload.key, multipartId, partNumber, URL_SECONDS),
    })),
  )
  return { expiresAt, parts }
}

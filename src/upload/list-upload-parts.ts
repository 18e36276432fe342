import type { PartStore, StoredPart } from '../aws/part-store.ts'
import { findUpload, hasOpenParts } from './find-upload.ts'
import type { UploadRepository } from './upload-repository.ts'

interface Dependencies {
  readonly parts: Pick<PartStore, 'list'>
  readonly uploads: Pick<UploadRepository, 'find'>
}

/**
 * Parts that have arrived, ascending; none when the upload was completed, or its parts expired.
 * @throws DomainError UPLOAD_NOT_FOUND
 */
export async function listUploadParts(deps: Dependencies, uploadId: string): Promise<readonly StoredPart[]> {
  const upload = await findUpload(deps, uploadId)
  if (!hasOpenParts(upload)) return []
  return (await deps.parts.list(upload.key, upload.parts.multipartId)) ?? []
}

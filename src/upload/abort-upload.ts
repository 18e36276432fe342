import type { ObjectStore } from '../aws/object-store.ts'
import type { PartStore } from '../aws/part-store.ts'
import { isUuid } from '../run/find-run.ts'
import type { Identity } from '../shared/identity.ts'
import { uploadError } from './find-upload.ts'
import type { Upload } from './upload.ts'
import type { UploadRepository } from './upload-repository.ts'

interface Dependencies {
  readonly identity: Identity
  readonly objects: Pick<ObjectStore, 'remove'>
  readonly parts: Pick<PartStore, 'abort'>
  readonly uploads: UploadRepository
}

/**
 * Removes an upload with its parts and its object; nothing happens when it is gone. The record goes last: without it, an object
 * that is still there would pass for a bundle that was put into the bucket, and be imported.
 * @throws DomainError UPLOAD_INVALID_STATE while it is being imported
 */
export async function abortUpload(deps: Dependencies, uploadId: string): Promise<void> {
  const upload = isUuid(uploadId) ? await deps.uploads.find(uploadId) : undefined
  if (upload === undefined) return
  if (isBeingImported(upload, deps.identity)) throw busy()
  if (upload.parts !== undefined) await deps.parts.abort(upload.key, upload.parts.multipartId)
  // What is fetched from a store is the importer's to remove.
  if (upload.source === undefined) await deps.objects.remove(upload.key)
  // The import may have begun in between; without the object it ends as refused.
  if (!(await deps.uploads.remove(upload.id))) throw busy()
}

function isBeingImported({ state, leaseUntil = '' }: Upload, identity: Identity): boolean {
  if (state === 'READY' || state === 'FAILED') return false
  return state !== 'CREATED' || leaseUntil > identity.now().toISOString()
}

function busy(): Error {
  return uploadError(
    'UPLOAD_INVALID_STATE',
    'id',
    'the upload is being imported: ask again when that has ended',
  )
}

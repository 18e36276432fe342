import type { ObjectStore } from '../aws/object-store.ts'
import type { PartStore } from '../aws/part-store.ts'
import { isUuid } from '../contract/uuid.ts'
import type { Identity } from '../shared/identity.ts'
import { uploadError } from './find-upload.ts'
import { isEnded, type Upload } from './upload.ts'
import type { UploadRepository } from './upload-repository.ts'

interface Dependencies {
  readonly identity: Identity
  readonly objects: Pick<ObjectStore, 'remove'>
  readonly parts: Pick<PartStore, 'abort'>
  readonly uploads: UploadRepository
}

/**
 * Deletes an upload with its parts and its object. Does nothing when the upload does not exist. The record is removed
 * last: an object without a record counts as a bundle that was put into the bucket directly, and would be imported.
 * @throws DomainError UPLOAD_INVALID_STATE while it is being imported
 */
export async function abortUpload(deps: Dependencies, uploadId: string): Promise<void> {
  const upload = isUuid(uploadId) ? await deps.uploads.find(uploadId) : undefined
  if (upload === undefined) return
  if (isBeingImported(upload, deps.identity)) throw importing()
  if (upload.parts !== undefined) await deps.parts.abort(upload.key, upload.parts.multipartId)
  // The importer removes bundles that it fetched from an app store.
  if (upload.source === undefined) await deps.objects.remove(upload.key)
  // The import may have started in between; without the object it fails.
  if (!(await deps.uploads.remove(upload.id))) throw importing()
}

function isBeingImported(upload: Upload, identity: Identity): boolean {
  const { state, leaseUntil = '' } = upload
  if (isEnded(upload)) return false
  return state !== 'CREATED' || leaseUntil > identity.now().toISOString()
}

function importing(): Error {
  return uploadError(
    'UPLOAD_INVALID_STATE',
    'id',
    'the upload is being imported: delete it when the import has ended',
  )
}

import type { PartStore } from '../aws/part-store.ts'
import { uploadKey } from '../contract/storage-keys.ts'
import { PART_BYTES } from '../contract/upload-limits.ts'
import type { Identity } from '../shared/identity.ts'
import type { Upload } from './upload.ts'
import type { UploadRepository } from './upload-repository.ts'

interface Dependencies {
  readonly identity: Identity
  readonly parts: PartStore
  readonly uploads: UploadRepository
}

/** A client's description of the file that it is going to send. */
export interface NewUpload {
  readonly purpose: Upload['purpose']
  readonly fileName?: string
  /** Checked when the upload is completed. */
  readonly sizeBytes?: number
  readonly contentType?: string
}

/** Creates an upload for the parts of one file. */
export async function createUpload(
  { identity, parts, uploads }: Dependencies,
  { contentType, ...described }: NewUpload,
): Promise<Upload> {
  const id = identity.uuid()
  const key = uploadKey(id)
  // When the record fails, the bucket's lifecycle rule removes the unfinished multipart upload.
  const multipartId = await parts.start(key, contentType)
  const upload: Upload = {
    id,
    key,
    ...described,
    parts: { multipartId, partSizeBytes: PART_BYTES },
    state: 'CREATED',
    taskId: identity.uuid(),
    createdAt: identity.now().toISOString(),
  }
  await uploads.create(upload)
  return upload
}

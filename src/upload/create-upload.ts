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

/** What a client says of a file before it sends it. */
export interface NewUpload {
  readonly purpose: Upload['purpose']
  readonly fileName?: string
  /** Checked when all parts are there. */
  readonly sizeBytes?: number
  readonly contentType?: string
}

/** Opens an upload for the parts of one file. */
export async function createUpload(
  { identity, parts, uploads }: Dependencies,
  { contentType, ...described }: NewUpload,
): Promise<Upload> {
  const id = identity.uuid()
  const key = uploadKey(id)
  // If the record fails, nobody knows the parts: the bucket forgets unfinished ones.
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

import type { PartStore } from '../aws/part-store.ts'
import { uploadKey } from '../contract/storage-keys.ts'
import { type MAX_NAMED_LAYERS, PART_BYTES } from '../contract/upload-limits.ts'
import type { Identity } from '../shared/identity.ts'
import { type LayerName, type MarkHeldDependencies, markHeld } from './mark-held.ts'
import type { Upload } from './upload.ts'
import type { UploadRepository } from './upload-repository.ts'

interface Dependencies extends MarkHeldDependencies {
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
  /** Layers of the image that the client is going to send, at most {@link MAX_NAMED_LAYERS}. */
  readonly layers?: readonly LayerName[]
}

/**
 * Creates an upload for the parts of one file. Marks which of the named layers the registry has; only those may be
 * missing in the bundle.
 */
export async function createUpload(deps: Dependencies, newUpload: NewUpload): Promise<Upload> {
  const { identity, parts, uploads } = deps
  const { contentType, layers, ...described } = newUpload
  const namedLayers = layers === undefined ? {} : { namedLayers: await markHeld(deps, layers) }
  const id = identity.uuid()
  const key = uploadKey(id)
  // If the record cannot be written, the bucket's lifecycle rule removes the unfinished multipart upload.
  const multipartId = await parts.start(key, contentType)
  const upload: Upload = {
    id,
    key,
    ...described,
    ...namedLayers,
    parts: { multipartId, partSizeBytes: PART_BYTES },
    state: 'CREATED',
    taskId: identity.uuid(),
    createdAt: identity.now().toISOString(),
  }
  await uploads.create(upload)
  return upload
}

import { isUuid } from '../contract/uuid.ts'
import type { Upload } from '../upload/upload.ts'
import type { ImportBundleDependencies } from './import-work.ts'
import { LEASE_SECONDS } from './lease.ts'

/** Request for an import. */
export interface ImportCall {
  readonly uploadId: string
  /** The uploaded object, when its event starts the import. It may have no upload item yet. */
  readonly object?: {
    readonly key: string
    /** S3's order of writes under one key. */
    readonly sequencer?: string
  }
}

/**
 * Claims the upload for this worker. Returns undefined when another worker holds it, when its import has ended, when it
 * is an input file, or when the object was removed before its event arrived.
 */
export async function claimUpload(
  { identity, objects, uploads }: Pick<ImportBundleDependencies, 'identity' | 'objects' | 'uploads'>,
  { uploadId, object }: ImportCall,
): Promise<Upload | undefined> {
  const isThere = async (key: string): Promise<boolean> => (await objects.size(key)) !== undefined
  let upload = await uploads.find(uploadId)
  if (upload?.purpose === 'input') return undefined
  if (object !== undefined && isPutAgain(upload, object) && (await isThere(object.key))) {
    if (await uploads.remove(uploadId)) upload = undefined
  }
  if (upload === undefined) {
    if (object === undefined || !(await isThere(object.key))) return undefined
    // An S3 client put the object directly into the bucket.
    const createdAt = identity.now().toISOString()
    const taskId = identity.uuid()
    try {
      await uploads.create({ id: uploadId, ...object, purpose: 'task', state: 'CREATED', taskId, createdAt })
    } catch (error) {
      // Duplicate event: another worker has created the item.
      if ((await uploads.find(uploadId)) === undefined) throw error
    }
  }
  return await uploads.claim(uploadId, LEASE_SECONDS)
}

/** A new object under the key of an ended import starts another import. A late event of the first object does not. */
function isPutAgain(upload: Upload | undefined, { sequencer }: NonNullable<ImportCall['object']>): boolean {
  if (upload === undefined || isUuid(upload.id)) return false
  return (upload.state === 'FAILED' || upload.state === 'READY') && sequencer !== upload.sequencer
}

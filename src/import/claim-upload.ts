import { isUuid } from '../run/find-run.ts'
import type { Upload } from '../upload/upload.ts'
import type { ImportBundleDependencies } from './import-work.ts'
import { LEASE_SECONDS } from './lease.ts'

/** What an import is asked for by. */
export interface ImportCall {
  readonly uploadId: string
  /** The object that arrived, when that starts the import: it may have no upload item yet. */
  readonly object?: {
    readonly key: string
    /** Of two writes under one key, S3 gives each its own. */
    readonly sequencer?: string
  }
}

/**
 * The upload in the hands of this worker; undefined when there is nothing to do for it: another worker has it, or it is over. Files
 * for a run are none of the importer's business, nor is an object that was removed with its upload before the event of its arrival
 * came.
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
    // Some S3 client put the object into the bucket.
    const createdAt = identity.now().toISOString()
    const taskId = identity.uuid()
    try {
      await uploads.create({ id: uploadId, ...object, purpose: 'task', state: 'CREATED', taskId, createdAt })
    } catch (error) {
      // Events may come twice: then the other worker made the item.
      if ((await uploads.find(uploadId)) === undefined) throw error
    }
  }
  return await uploads.claim(uploadId, LEASE_SECONDS)
}

/** An ended import may be begun anew by another object under its key, mended perhaps; not by a late event of the first. */
function isPutAgain(upload: Upload | undefined, { sequencer }: NonNullable<ImportCall['object']>): boolean {
  if (upload === undefined || isUuid(upload.id)) return false
  return (upload.state === 'FAILED' || upload.state === 'READY') && sequencer !== upload.sequencer
}

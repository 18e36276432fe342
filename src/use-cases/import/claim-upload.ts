import type { Upload } from '../../ports.ts'
import { isUuid } from '../find-run.ts'
import type { ImportBundleDependencies } from './import-work.ts'
import { LEASE_SECONDS } from './lease.ts'

/**
 * The upload in the hands of this worker; undefined when there is nothing to do for it: another worker has it, or it is over. Files for a run are none of the importer's business, nor is an object that was removed
 * with its upload before the event of its arrival came.
 */
export async function claimUpload(
  { identity, objects, uploads }: Pick<ImportBundleDependencies, 'identity' | 'objects' | 'uploads'>,
  { uploadId, key }: { readonly uploadId: string; readonly key?: string },
): Promise<Upload | undefined> {
  let upload = await uploads.find(uploadId)
  if (upload?.purpose === 'input') return undefined
  // The object goes when an import ends: one that is there was put under the same key again, mended perhaps.
  const isPutAgain =
    upload !== undefined &&
    (upload.state === 'FAILED' || upload.state === 'READY') &&
    key !== undefined &&
    !isUuid(uploadId) &&
    (await objects.size(key)) !== undefined
  if (isPutAgain && (await uploads.remove(uploadId))) upload = undefined
  if (upload === undefined) {
    if (key === undefined || (await objects.size(key)) === undefined) return undefined
    // Some S3 client put the object into the bucket.
    const createdAt = identity.now().toISOString()
    const taskId = identity.uuid()
    try {
      await uploads.create({ id: uploadId, key, purpose: 'task', state: 'CREATED', taskId, createdAt })
    } catch (error) {
      // Events may come twice: then the other worker made the item.
      if ((await uploads.find(uploadId)) === undefined) throw error
    }
  }
  return await uploads.claim(uploadId, LEASE_SECONDS)
}

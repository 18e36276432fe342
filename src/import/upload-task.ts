import type { ObjectStore } from '../aws/object-store.ts'
import { uploadKey } from '../contract/storage-keys.ts'
import type { Upload } from '../upload/upload.ts'
import type { UploadRepository } from '../upload/upload-repository.ts'
import { followImport, type ImportedTask, type WaitForImportDependencies } from './wait-for-import.ts'

interface Dependencies extends WaitForImportDependencies {
  readonly objects: Pick<ObjectStore, 'put'>
  readonly uploads: UploadRepository
}

/**
 * Stores a bundle from the API under the prefix of uploads, so that the bucket's event starts the import, and waits for
 * its end.
 * @returns the task with its warnings, or the upload when the import outlasts the gateway's time-out
 * @throws ImportRefusedError
 */
export async function uploadTask(
  deps: Dependencies,
  bundle: Uint8Array,
): Promise<ImportedTask | { readonly upload: Upload }> {
  const requestedAt = deps.identity.now()
  const id = deps.identity.uuid()
  const upload: Upload = {
    id,
    key: uploadKey(id),
    purpose: 'task',
    sizeBytes: bundle.byteLength,
    state: 'CREATED',
    taskId: deps.identity.uuid(),
    createdAt: requestedAt.toISOString(),
  }
  await deps.uploads.create(upload)
  await deps.objects.put(upload.key, bundle, 'application/zip')
  const imported = await followImport(deps, { uploadId: id, requestedAt })
  return imported === undefined ? { upload } : imported
}

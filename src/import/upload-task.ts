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
 * Takes a bundle that came through the API: puts it where every upload goes, so that the import starts by the bucket's
 * event like any other, and waits for its end.
 * @returns the task with its warnings, or the upload when the import outlasts the gateway's patience
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

import { findCompleteUpload, findUpload } from '../upload/find-upload.ts'
import type { Upload } from '../upload/upload.ts'
import { followImport, type ImportedTask, type WaitForImportDependencies } from './wait-for-import.ts'

/**
 * Waits for the import of a completed upload. Read-only, so it can be repeated.
 * @param field of the request that names the upload
 * @returns the task with its warnings, or the upload while the import continues
 * @throws ImportRefusedError; DomainError UPLOAD_NOT_FOUND, UPLOAD_INVALID_STATE
 */
export async function installUpload(
  deps: WaitForImportDependencies,
  uploadId: string,
  field: string,
): Promise<ImportedTask | { readonly upload: Upload }> {
  const requestedAt = deps.identity.now()
  await findCompleteUpload(deps, uploadId, 'task', field)
  const imported = await followImport(deps, { uploadId, requestedAt })
  return imported === undefined ? { upload: await findUpload(deps, uploadId, field) } : imported
}

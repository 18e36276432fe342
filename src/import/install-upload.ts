import { findCompleteUpload, findUpload } from '../upload/find-upload.ts'
import type { Upload } from '../upload/upload.ts'
import { followImport, type ImportedTask, type WaitForImportDependencies } from './wait-for-import.ts'

/**
 * Waits for the import that a completed upload has started. May be repeated: it only looks.
 * @param field that named the upload
 * @returns the task with its warnings, or the upload while its import still goes on
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

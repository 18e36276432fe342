import { DomainError } from '../contract/errors.ts'
import { isNamespace, isSemver } from '../contract/names.ts'
import { installKey } from '../contract/storage-keys.ts'
import { bundleUrl, downloadFailure } from '../store/store.ts'
import type { StoreRepository } from '../store/store-repository.ts'
import type { TaskName } from '../task/task.ts'
import type { TaskRepository } from '../task/task-repository.ts'
import type { ImportRequests } from '../upload/import-requests.ts'
import type { Upload } from '../upload/upload.ts'
import type { UploadRepository } from '../upload/upload-repository.ts'
import { followImport, type ImportedTask, type WaitForImportDependencies } from './wait-for-import.ts'

interface Dependencies extends WaitForImportDependencies {
  readonly requests: ImportRequests
  readonly stores: Pick<StoreRepository, 'findDefault'>
  readonly tasks: TaskRepository
  readonly uploads: UploadRepository
}

/**
 * Installs a task from the default store through the importer, and waits for the import.
 * @returns the task with its warnings, or the upload while the import continues
 * @throws ImportRefusedError; DomainError APPSTORE_NO_DEFAULT_STORE, INTERNAL_TASK_EXISTS, APPSTORE_DOWNLOAD_FAILED
 */
export async function installTask(
  deps: Dependencies,
  name: TaskName,
): Promise<ImportedTask | { readonly upload: Upload }> {
  const requestedAt = deps.identity.now()
  const store = await deps.stores.findDefault()
  if (store === undefined) throw new DomainError('APPSTORE_NO_DEFAULT_STORE')
  // No store can have a task of such a name; namespace and version become parts of keys and URLs.
  if (!isNamespace(name.namespace) || !isSemver(name.version)) {
    throw downloadFailure('no task can have this namespace and version')
  }
  const source = bundleUrl(store, name).href
  // This check only saves the download: the import enforces unique names.
  if ((await deps.tasks.findByName(name.namespace, name.version)) !== undefined) {
    throw new DomainError('INTERNAL_TASK_EXISTS')
  }
  const id = deps.identity.uuid()
  const upload: Upload = {
    id,
    key: installKey(id),
    purpose: 'task',
    state: 'CREATED',
    taskId: deps.identity.uuid(),
    source,
    expected: name,
    createdAt: requestedAt.toISOString(),
  }
  await deps.uploads.create(upload)
  await deps.requests.send(id)
  const imported = await followImport(deps, { uploadId: id, requestedAt })
  return imported === undefined ? { upload: (await deps.uploads.find(id)) ?? upload } : imported
}

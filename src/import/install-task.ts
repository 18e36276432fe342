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
 * Has the importer bring a task's bundle from the default store and install it, whatever its size, and waits for that.
 * @returns the task with its warnings, or the upload while the import goes on: the task will be there when it is through.
 * @throws ImportRefusedError; DomainError APPSTORE_NO_DEFAULT_STORE, INTERNAL_TASK_EXISTS, APPSTORE_DOWNLOAD_FAILED
 */
export async function installTask(
  deps: Dependencies,
  name: TaskName,
): Promise<ImportedTask | { readonly upload: Upload }> {
  const requestedAt = deps.identity.now()
  const store = await deps.stores.findDefault()
  if (store === undefined) throw new DomainError('APPSTORE_NO_DEFAULT_STORE')
  // No store has it, and what goes into keys and addresses is checked before.
  if (!isNamespace(name.namespace) || !isSemver(name.version)) {
    throw downloadFailure('no task can have this namespace and version')
  }
  const source = bundleUrl(store, name).href
  // Only spares the download: the import is what keeps names unique.
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

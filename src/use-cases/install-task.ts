import { DomainError } from '../domain/errors.ts'
import { uploadKey } from '../domain/storage-keys.ts'
import { bundleUrl, downloadFailure, type Store, type TaskName } from '../domain/store.ts'
import { isNamespace, isSemver } from '../domain/task/names.ts'
import type { Task } from '../domain/task/task.ts'
import type {
  BundleSource,
  ObjectStore,
  StoreRepository,
  TaskRepository,
  UploadRepository,
} from '../ports.ts'
import { type WaitForImportDependencies, waitForImport } from './wait-for-import.ts'

interface Dependencies extends WaitForImportDependencies {
  readonly bundles: BundleSource
  readonly objects: Pick<ObjectStore, 'write'>
  readonly stores: Pick<StoreRepository, 'findDefault'>
  readonly tasks: TaskRepository
  readonly uploads: UploadRepository
}

/**
 * Brings a task's bundle from the default store to where every upload goes, and waits for its import, which also checks that
 * it is the task that was asked for. The bundle streams: some 64 MiB are held, whatever its size.
 * @throws ImportRefusedError; DomainError APPSTORE_NO_DEFAULT_STORE, INTERNAL_TASK_EXISTS, APPSTORE_DOWNLOAD_FAILED, or
 * INTERNAL_SERVER_ERROR when the import outlasts the gateway's patience
 */
export async function installTask(deps: Dependencies, name: TaskName): Promise<Task> {
  const requestedAt = deps.identity.now()
  const store = await deps.stores.findDefault()
  if (store === undefined) throw new DomainError('APPSTORE_NO_DEFAULT_STORE')
  // No store has it, and what goes into keys and addresses is checked before.
  if (!isNamespace(name.namespace) || !isSemver(name.version)) {
    throw downloadFailure('no task can have this namespace and version')
  }
  // Only spares the download: the import is what keeps names unique.
  if ((await deps.tasks.findByName(name.namespace, name.version)) !== undefined) {
    throw new DomainError('INTERNAL_TASK_EXISTS')
  }
  const id = deps.identity.uuid()
  await deps.uploads.create({
    id,
    key: uploadKey(id),
    state: 'CREATED',
    taskId: deps.identity.uuid(),
    expected: name,
    createdAt: requestedAt.toISOString(),
  })
  await download(deps, id, { store, name })
  return await waitForImport(deps, { uploadId: id, requestedAt })
}

/** The bucket's event starts the import as soon as the object is whole; of a download that fails it has nothing. */
async function download(
  { bundles, objects, uploads }: Dependencies,
  uploadId: string,
  { store, name }: { readonly store: Store; readonly name: TaskName },
): Promise<void> {
  try {
    const bundle = await bundles.open(bundleUrl(store, name))
    await objects.write(uploadKey(uploadId), bundle, 'application/zip')
  } catch (error) {
    const told =
      error instanceof DomainError
        ? error
        : new DomainError('INTERNAL_SERVER_ERROR', { type: 'server', exceptionMessage: null })
    await uploads.update(uploadId, { state: 'FAILED', error: { ...told.body, status: told.status } })
    throw error
  }
}

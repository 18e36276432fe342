import { uploadKey } from '../domain/storage-keys.ts'
import type { Task } from '../domain/task/task.ts'
import type { ObjectStore, UploadRepository } from '../ports.ts'
import { type WaitForImportDependencies, waitForImport } from './wait-for-import.ts'

interface Dependencies extends WaitForImportDependencies {
  readonly objects: Pick<ObjectStore, 'put'>
  readonly uploads: UploadRepository
}

/**
 * Takes a bundle that came through the API: puts it where every upload goes, so that the import starts by the bucket's
 * event like any other, and waits for its end.
 * @throws ImportRefusedError; DomainError INTERNAL_SERVER_ERROR when the import outlasts the gateway's patience
 */
export async function uploadTask(deps: Dependencies, bundle: Uint8Array): Promise<Task> {
  const requestedAt = deps.identity.now()
  const id = deps.identity.uuid()
  await deps.uploads.create({
    id,
    key: uploadKey(id),
    state: 'CREATED',
    taskId: deps.identity.uuid(),
    createdAt: requestedAt.toISOString(),
  })
  await deps.objects.put(uploadKey(id), bundle, 'application/zip')
  return await waitForImport(deps, { uploadId: id, requestedAt })
}

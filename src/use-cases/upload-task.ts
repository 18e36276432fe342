import { DomainError } from '../domain/errors.ts'
import { uploadKey } from '../domain/storage-keys.ts'
import type { Task } from '../domain/task/task.ts'
import type { ObjectStore, UploadRepository } from '../ports.ts'
import { followImport, type WaitForImportDependencies } from './wait-for-import.ts'

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
    purpose: 'task',
    sizeBytes: bundle.byteLength,
    state: 'CREATED',
    taskId: deps.identity.uuid(),
    createdAt: requestedAt.toISOString(),
  })
  await deps.objects.put(uploadKey(id), bundle, 'application/zip')
  const task = await followImport(deps, { uploadId: id, requestedAt })
  if (task !== undefined) return task
  // A bundle that fits through the gateway is imported in a few seconds; core would take any success for a task.
  const words = `the import of upload ${id} still goes on; GET tasks will show the task when it is through`
  throw new DomainError('INTERNAL_SERVER_ERROR', { type: 'server', exceptionMessage: words })
}

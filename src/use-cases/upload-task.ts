import { DomainError } from '../domain/errors.ts'
import { uploadKey } from '../domain/storage-keys.ts'
import type { Task } from '../domain/task/task.ts'
import type { Identity, ObjectStore, TaskRepository, Upload, UploadRepository } from '../ports.ts'

interface Dependencies {
  readonly identity: Identity
  readonly objects: ObjectStore
  readonly tasks: TaskRepository
  readonly uploads: UploadRepository
  /** Resolves when it is worth looking at the import again. */
  readonly pause: () => Promise<void>
}

/** API Gateway gives up after 29 s; a bundle that fits through it is imported in a few. */
const PATIENCE_MS = 26_000

/** An import that was refused: the contract's error as the importer stored it. */
export class ImportRefusedError extends Error {
  override readonly name = 'ImportRefusedError'
  readonly refusal: NonNullable<Upload['error']>

  constructor(refusal: NonNullable<Upload['error']>) {
    super(refusal.message)
    this.refusal = refusal
  }
}

/**
 * Takes a bundle that came through the API: puts it where every upload goes, so that the import starts by the bucket's
 * event like any other, and waits for its end.
 * @throws ImportRefusedError; DomainError INTERNAL_SERVER_ERROR when the import outlasts the gateway's patience
 */
export async function uploadTask(deps: Dependencies, bundle: Uint8Array): Promise<Task> {
  const id = deps.identity.uuid()
  await deps.uploads.create({
    id,
    key: uploadKey(id),
    state: 'CREATED',
    taskId: deps.identity.uuid(),
    createdAt: deps.identity.now().toISOString(),
  })
  await deps.objects.put(uploadKey(id), bundle, 'application/zip')
  const until = deps.identity.now().getTime() + PATIENCE_MS
  while (deps.identity.now().getTime() < until) {
    const upload = await deps.uploads.find(id)
    if (upload?.state === 'FAILED') throw refusalOf(upload)
    if (upload?.state === 'READY') {
      const task = await deps.tasks.findById(upload.taskId)
      if (task !== undefined) return task
    }
    await deps.pause()
  }
  throw new DomainError('INTERNAL_SERVER_ERROR', {
    type: 'server',
    exceptionMessage: `the import of upload ${id} still goes on; GET tasks will show the task when it is through`,
  })
}

function refusalOf(upload: Upload): Error {
  return upload.error === undefined
    ? new DomainError('INTERNAL_SERVER_ERROR', { type: 'server', exceptionMessage: null })
    : new ImportRefusedError(upload.error)
}

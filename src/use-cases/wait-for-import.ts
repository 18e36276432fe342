import { DomainError } from '../domain/errors.ts'
import type { Task } from '../domain/task/task.ts'
import type { Identity, TaskRepository, Upload, UploadRepository } from '../ports.ts'

/** What waiting for an import takes. */
export interface WaitForImportDependencies {
  readonly identity: Identity
  readonly tasks: Pick<TaskRepository, 'findById'>
  readonly uploads: Pick<UploadRepository, 'find'>
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
 * Looks at the import, once at least, until it has ended or the client's request is too old.
 * @throws ImportRefusedError; DomainError INTERNAL_SERVER_ERROR when the import outlasts the gateway's patience
 */
export async function waitForImport(
  deps: WaitForImportDependencies,
  { uploadId, requestedAt }: { readonly uploadId: string; readonly requestedAt: Date },
): Promise<Task> {
  const until = requestedAt.getTime() + PATIENCE_MS
  do {
    const upload = await deps.uploads.find(uploadId)
    if (upload?.state === 'FAILED') throw refusalOf(upload)
    if (upload?.state === 'READY') {
      const task = await deps.tasks.findById(upload.taskId)
      if (task !== undefined) return task
    }
    await deps.pause()
  } while (deps.identity.now().getTime() < until)
  throw new DomainError('INTERNAL_SERVER_ERROR', {
    type: 'server',
    exceptionMessage: `the import of upload ${uploadId} still goes on; GET tasks will show the task when it is through`,
  })
}

function refusalOf(upload: Upload): Error {
  return upload.error === undefined
    ? new DomainError('INTERNAL_SERVER_ERROR', { type: 'server', exceptionMessage: null })
    : new ImportRefusedError(upload.error)
}

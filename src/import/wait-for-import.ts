import { DomainError } from '../contract/errors.ts'
import type { Identity } from '../shared/identity.ts'
import type { Task } from '../task/task.ts'
import type { TaskRepository } from '../task/task-repository.ts'
import type { Upload } from '../upload/upload.ts'
import type { UploadRepository } from '../upload/upload-repository.ts'

/** Ports of waiting for an import. */
export interface WaitForImportDependencies {
  readonly identity: Identity
  readonly tasks: Pick<TaskRepository, 'findById'>
  readonly uploads: Pick<UploadRepository, 'find'>
  /** Resolves at the next poll. */
  readonly pause: () => Promise<void>
}

/** Result of an import. */
export interface ImportedTask {
  readonly task: Task
  readonly warnings: NonNullable<Upload['warnings']>
}

/** Maximum time for which a request waits; API Gateway's time-out is 29 s. */
const PATIENCE_MS = 26_000

/** Refusal of a bundle: the contract's error as the importer stored it. */
export class ImportRefusedError extends Error {
  override readonly name = 'ImportRefusedError'
  readonly refusal: NonNullable<Upload['error']>

  constructor(refusal: NonNullable<Upload['error']>) {
    super(refusal.message)
    this.refusal = refusal
  }
}

/**
 * Polls the import, at least once, until it has ended or the client's request is about to time out.
 * @returns the task and the warnings of its descriptor; undefined while the import continues
 * @throws ImportRefusedError; DomainError INTERNAL_TASK_NOT_FOUND when the task was deleted since
 */
export async function followImport(
  deps: WaitForImportDependencies,
  { uploadId, requestedAt }: { readonly uploadId: string; readonly requestedAt: Date },
): Promise<ImportedTask | undefined> {
  const until = requestedAt.getTime() + PATIENCE_MS
  do {
    const upload = await deps.uploads.find(uploadId)
    if (upload?.state === 'FAILED') throw refusalOf(upload)
    if (upload?.state === 'READY') {
      const task = await deps.tasks.findById(upload.taskId)
      // The task was published before the upload became READY, so it has been deleted since.
      if (task === undefined) throw new DomainError('INTERNAL_TASK_NOT_FOUND')
      return { task, warnings: upload.warnings ?? [] }
    }
    await deps.pause()
  } while (deps.identity.now().getTime() < until)
  return undefined
}

function refusalOf(upload: Upload): Error {
  return upload.error === undefined
    ? new DomainError('INTERNAL_SERVER_ERROR', { type: 'server', exceptionMessage: null })
    : new ImportRefusedError(upload.error)
}

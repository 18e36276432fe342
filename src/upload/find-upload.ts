import { DomainError, type ErrorName } from '../contract/errors.ts'
import { printable } from '../contract/quoted.ts'
import { isUuid } from '../contract/uuid.ts'
import type { Task } from '../task/task.ts'
import type { TaskRepository } from '../task/task-repository.ts'
import type { Upload } from './upload.ts'
import type { UploadRepository } from './upload-repository.ts'

interface Dependencies {
  readonly uploads: Pick<UploadRepository, 'find'>
}

/** Error about a field of an upload or of a call on one. */
export function uploadError(
  error: Extract<ErrorName, `UPLOAD_${string}`>,
  field: string,
  description: string,
  cause?: unknown,
): DomainError {
  return new DomainError(error, { type: 'related', parameterName: field, description }, { cause })
}

/** Ids are UUIDs, or names of bundles that were put into the bucket directly. */
function isUploadId(text: string): boolean {
  return isUuid(text) || /^[\w.+@ -]{1,200}$/u.test(text)
}

/**
 * @param field of the request that names the upload
 * @throws DomainError UPLOAD_NOT_FOUND
 */
export async function findUpload({ uploads }: Dependencies, uploadId: string, field = 'id'): Promise<Upload> {
  const upload = isUploadId(uploadId) ? await uploads.find(uploadId) : undefined
  if (upload === undefined) {
    throw uploadError('UPLOAD_NOT_FOUND', field, `there is no upload ${printable(uploadId)}`)
  }
  return upload
}

/** Whether parts may still arrive. A started import implies a complete upload, even if `parts` was not removed. */
export function hasOpenParts(upload: Upload): upload is Upload & Required<Pick<Upload, 'parts'>> {
  return upload.state === 'CREATED' && upload.parts !== undefined
}

/**
 * Finds a complete upload of this purpose.
 * @throws DomainError UPLOAD_NOT_FOUND, UPLOAD_INVALID_STATE
 */
export async function findCompleteUpload(
  deps: Dependencies,
  uploadId: string,
  purpose: Upload['purpose'],
  field: string,
): Promise<Upload> {
  const upload = await findUpload(deps, uploadId, field)
  if (upload.purpose !== purpose) {
    const words = `the upload has purpose "${upload.purpose}"; expected "${purpose}"`
    throw uploadError('UPLOAD_INVALID_STATE', field, words)
  }
  if (hasOpenParts(upload)) {
    throw uploadError(
      'UPLOAD_INVALID_STATE',
      field,
      'the upload is not complete: send its parts and complete it',
    )
  }
  return upload
}

/** The task that was imported from the upload; undefined before, and when the task was deleted. */
export async function taskOfUpload(
  { tasks }: { readonly tasks: Pick<TaskRepository, 'findById'> },
  { purpose, state, taskId }: Upload,
): Promise<Task | undefined> {
  return purpose === 'task' && state === 'READY' ? await tasks.findById(taskId) : undefined
}

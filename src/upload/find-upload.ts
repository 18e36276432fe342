import { DomainError, type ErrorName } from '../contract/errors.ts'
import { printable } from '../contract/quoted.ts'
import { isUuid } from '../run/find-run.ts'
import type { Task } from '../task/task.ts'
import type { TaskRepository } from '../task/task-repository.ts'
import type { Upload } from './upload.ts'
import type { UploadRepository } from './upload-repository.ts'

interface Dependencies {
  readonly uploads: Pick<UploadRepository, 'find'>
}

/** A refused upload, or call of one: what is wrong with which field, and what to do. */
export function uploadError(
  error: Extract<ErrorName, `UPLOAD_${string}`>,
  field: string,
  description: string,
  cause?: unknown,
): DomainError {
  return new DomainError(error, { type: 'related', parameterName: field, description }, { cause })
}

/** Of `POST uploads`, or the name under which somebody put a bundle into the bucket. */
function isUploadId(text: string): boolean {
  return isUuid(text) || /^[\w.+@ -]{1,200}$/u.test(text)
}

/**
 * @param field that named the upload
 * @throws DomainError UPLOAD_NOT_FOUND
 */
export async function findUpload({ uploads }: Dependencies, uploadId: string, field = 'id'): Promise<Upload> {
  const upload = isUploadId(uploadId) ? await uploads.find(uploadId) : undefined
  if (upload === undefined) {
    throw uploadError('UPLOAD_NOT_FOUND', field, `there is no upload ${printable(uploadId)}`)
  }
  return upload
}

/** Whether parts may still arrive; an import that has begun shows that all are there, whatever was written of it. */
export function hasOpenParts(upload: Upload): upload is Upload & Required<Pick<Upload, 'parts'>> {
  return upload.state === 'CREATED' && upload.parts !== undefined
}

/**
 * An upload that is whole and was made for this purpose.
 * @throws DomainError UPLOAD_NOT_FOUND, UPLOAD_INVALID_STATE
 */
export async function findWholeUpload(
  deps: Dependencies,
  uploadId: string,
  purpose: Upload['purpose'],
  field: string,
): Promise<Upload> {
  const upload = await findUpload(deps, uploadId, field)
  if (upload.purpose !== purpose) {
    const words = `the upload was made with purpose "${upload.purpose}"; "${purpose}" is needed here`
    throw uploadError('UPLOAD_INVALID_STATE', field, words)
  }
  if (hasOpenParts(upload)) {
    throw uploadError(
      'UPLOAD_INVALID_STATE',
      field,
      'the upload is not whole: send its parts and complete it',
    )
  }
  return upload
}

/** The task that the upload has become; undefined before, and when it was deleted. */
export async function taskOfUpload(
  { tasks }: { readonly tasks: Pick<TaskRepository, 'findById'> },
  { purpose, state, taskId }: Upload,
): Promise<Task | undefined> {
  return purpose === 'task' && state === 'READY' ? await tasks.findById(taskId) : undefined
}

import type { JsonValue } from '../../src/contract/json.ts'
import { uploadError } from '../../src/upload/find-upload.ts'

/** Uploads that a body names instead of containing the value. */
export interface UploadReference {
  readonly uploadId: string
  /** Companion of an image or file. */
  readonly companionUploadId?: string
}

/**
 * Uploads that a JSON body names. A body with `value` is a value, not a reference.
 * @returns undefined for any other body
 * @throws DomainError UPLOAD_INVALID when an id is not a string
 */
export function uploadReference(body: JsonValue): UploadReference | undefined {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) return undefined
  if (!Object.hasOwn(body, 'uploadId') || Object.hasOwn(body, 'value')) return undefined
  const { uploadId, companionUploadId } = body as { readonly [key: string]: JsonValue | undefined }
  return {
    uploadId: idIn(uploadId, 'uploadId'),
    ...(companionUploadId === undefined || companionUploadId === null
      ? {}
      : { companionUploadId: idIn(companionUploadId, 'companionUploadId') }),
  }
}

function idIn(value: JsonValue | undefined, field: string): string {
  if (typeof value !== 'string') throw uploadError('UPLOAD_INVALID', field, 'it must be the id of an upload')
  return value
}

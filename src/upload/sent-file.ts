import { objectSource } from '../aws/object-source.ts'
import { ObjectExchangedError, type ObjectStore } from '../aws/object-store.ts'
import type { DomainError } from '../contract/errors.ts'
import { type ByteSource, bufferSource } from '../shared/byte-source.ts'
import { uploadError } from './find-upload.ts'
import type { Upload } from './upload.ts'

/** A file that a client sent for an input: in the body of its call, or as an upload before it. */
export interface SentFile {
  /** To look into it. */
  readonly source: ByteSource
  /** Makes it an object of its own. */
  readonly store: (key: string) => Promise<void>
}

/** A file in memory. */
export function sentBytes(objects: Pick<ObjectStore, 'put'>, bytes: Uint8Array): SentFile {
  return { source: bufferSource(bytes), store: (key) => objects.put(key, bytes) }
}

/**
 * The file of an upload, which never comes here: it is looked into by ranges and copied within the bucket.
 * @param field that named the upload
 * @throws DomainError UPLOAD_NOT_FOUND, then or later, when the bucket has the file no more; UPLOAD_INVALID_STATE when another file
 * took its place after the first look
 */
export async function sentUpload(objects: ObjectStore, { key }: Upload, field: string): Promise<SentFile> {
  const gone = (): DomainError =>
    uploadError('UPLOAD_NOT_FOUND', field, 'the file of this upload is gone: it is kept for 7 days')
  const exchanged = (cause: ObjectExchangedError): DomainError =>
    uploadError(
      'UPLOAD_INVALID_STATE',
      field,
      'the file of this upload was replaced while it was checked: send the call again',
      cause,
    )
  const explain = (cause?: ObjectExchangedError): DomainError =>
    cause === undefined ? gone() : exchanged(cause)
  const found = await objects.find(key)
  if (found === undefined) throw gone()
  return {
    source: objectSource(objects, { key, ...found }, explain),
    async store(to) {
      const copied = await objects.copy(key, to, found.etag).catch((error: unknown) => {
        throw error instanceof ObjectExchangedError ? explain(error) : error
      })
      if (copied === undefined) throw gone()
    },
  }
}

import { objectSource } from '../aws/object-source.ts'
import { ObjectExchangedError, type ObjectStore } from '../aws/object-store.ts'
import type { DomainError } from '../contract/errors.ts'
import { type ByteSource, bufferSource } from '../shared/byte-source.ts'
import { digestOf } from '../shared/content-digest.ts'
import { uploadError } from './find-upload.ts'
import type { Upload } from './upload.ts'

/** A file for an input, from the body of the call or from an upload. */
export interface SentFile {
  /** Random access for checks. */
  readonly source: ByteSource
  /** Writes the file as a new object. @returns the digest of its content; undefined when it is not known */
  readonly store: (key: string) => Promise<string | undefined>
}

/** File from a body in memory. */
export function sentBytes(objects: Pick<ObjectStore, 'put'>, bytes: Uint8Array): SentFile {
  return {
    source: bufferSource(bytes),
    async store(key) {
      await objects.put(key, bytes)
      return digestOf(bytes)
    },
  }
}

/**
 * File of an upload. Checks read ranges of it, and `store` copies it within S3.
 * @param field of the request that names the upload
 * @throws DomainError UPLOAD_NOT_FOUND, also from later calls, when the object has expired; UPLOAD_INVALID_STATE from later calls when the
 * object was replaced
 */
export async function sentUpload(objects: ObjectStore, { key }: Upload, field: string): Promise<SentFile> {
  const gone = (): DomainError =>
    uploadError('UPLOAD_NOT_FOUND', field, 'the file of this upload has expired: it is kept for 7 days')
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
      return copied.digest
    },
  }
}

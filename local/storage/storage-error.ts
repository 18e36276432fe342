/**
 * Error response with a code of its protocol: of S3 (API reference, "Error responses") or of the registry (OCI distribution
 * specification, "Error Codes").
 */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly code: string
  readonly status: number

  constructor(status: number, code: string, message: string) {
    super(message)
    this.code = code
    this.status = status
  }
}

/** The bucket of the request does not exist. */
export const noSuchBucket = (bucket: string): StorageError =>
  new StorageError(404, 'NoSuchBucket', `The bucket ${bucket} does not exist.`)

/** The object of the request does not exist. */
export const noSuchKey = (): StorageError =>
  new StorageError(404, 'NoSuchKey', 'The specified key does not exist.')

/** The multipart upload does not exist, or was completed or aborted. */
export const noSuchUpload = (): StorageError =>
  new StorageError(
    404,
    'NoSuchUpload',
    'The multipart upload does not exist. It may have been completed or aborted.',
  )

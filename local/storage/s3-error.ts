/** A refusal of the S3 API, by the code that AWS gives it (S3 API reference, "Error responses"). */
export class S3Error extends Error {
  override readonly name = 'S3Error'
  readonly code: string
  readonly status: number

  constructor(status: number, code: string, message: string) {
    super(message)
    this.code = code
    this.status = status
  }
}

/** The bucket of the request does not exist. */
export const noSuchBucket = (bucket: string): S3Error =>
  new S3Error(404, 'NoSuchBucket', `The bucket ${bucket} does not exist.`)

/** The object of the request does not exist. */
export const noSuchKey = (): S3Error => new S3Error(404, 'NoSuchKey', 'The specified key does not exist.')

/** The multipart upload was never begun, or was completed or aborted. */
export const noSuchUpload = (): S3Error =>
  new S3Error(
    404,
    'NoSuchUpload',
    'The multipart upload does not exist. It may have been completed or aborted.',
  )

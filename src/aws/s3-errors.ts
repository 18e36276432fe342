import { S3ServiceException } from '@aws-sdk/client-s3'

/** Returns the result of the call; undefined after this error. */
export async function unlessRefused<Answer>(
  call: Promise<Answer>,
  errorName: string,
): Promise<Answer | undefined> {
  try {
    return await call
  } catch (error) {
    if (error instanceof S3ServiceException && error.name === errorName) return undefined
    throw error
  }
}

/** Whether the object has another version than the one that the call names. */
export function isExchanged(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412
}

/** `NotFound` is the SDK's name for status 404 of a HEAD request, which has no body. */
const MISSING = ['NoSuchKey', 'NotFound']

/**
 * Returns the result of the call; undefined when the object does not exist. Functions may not list the whole bucket, so
 * S3 answers 403 for missing and for forbidden objects alike. Listing the key distinguishes them.
 * @throws the call's error when the object exists, or its key cannot be listed
 */
export async function unlessMissing<Answer>(
  call: Promise<Answer>,
  isListed: () => Promise<boolean>,
): Promise<Answer | undefined> {
  try {
    return await call
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error
    if (MISSING.includes(error.name)) return undefined
    const isDenied = error.$metadata.httpStatusCode === 403
    if (isDenied && !(await isListed().catch(() => true))) return undefined
    throw error
  }
}

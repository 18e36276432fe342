import { S3ServiceException } from '@aws-sdk/client-s3'

/** The answer, or undefined when S3 refuses with this error: there is no such thing. */
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

/** Whether S3 refused because the object is not (any more) the version that the call named. */
export function isExchanged(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412
}

/** The answer to a HEAD has no body: then the SDK names the error by its status. */
const MISSING = ['NoSuchKey', 'NotFound']

/**
 * The answer, or undefined when the object does not exist. To one who may not list the whole bucket, and none of our functions may,
 * S3 answers 403 for an object that is missing as for one that is forbidden; a listing of its key tells them apart.
 * @throws what the call failed with; an object that is forbidden, or whose key cannot be listed, is not taken for missing
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

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

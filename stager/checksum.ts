import type { IncomingHttpHeaders } from 'node:http'

const MD5_TAG = /^"?([0-9a-f]{32})"?$/u

/**
 * MD5 of an object in hexadecimal, from S3's ETag; undefined when the ETag is not an MD5: for a multipart upload, or
 * with a KMS key. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
 */
export function md5In(headers: IncomingHttpHeaders): string | undefined {
  const isPlain = (headers['x-amz-server-side-encryption'] ?? 'AES256') === 'AES256'
  return isPlain ? MD5_TAG.exec(headers.etag ?? '')?.[1] : undefined
}

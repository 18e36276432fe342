import type { IncomingHttpHeaders } from 'node:http'

const MD5_TAG = /^"?([0-9a-f]{32})"?$/u

/**
 * The MD5 that S3 answers with, as hexadecimal text; undefined when its ETag is something else: of an object that came in
 * parts, or is encrypted with a key of KMS. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
 */
export function md5In(headers: IncomingHttpHeaders): string | undefined {
  const isPlain = (headers['x-amz-server-side-encryption'] ?? 'AES256') === 'AES256'
  return isPlain ? MD5_TAG.exec(headers.etag ?? '')?.[1] : undefined
}

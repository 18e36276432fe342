import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { readAtMost } from '../../src/shared/read-all.ts'
import { decodeAwsChunked } from './aws-chunked.ts'
import { StorageError } from './storage-error.ts'

/** A request of the S3 API, path style. */
export interface S3Request {
  readonly method: string
  /** Empty for requests without a bucket. */
  readonly bucket: string
  /** Empty for requests on a bucket. */
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  /** The decoded body, as a stream. */
  readonly body: AsyncIterable<Uint8Array>
}

/** Maximum size of XML documents: S3 accepts 1000 keys or 10 000 parts in one. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
/** Headers that are stored with an object, in addition to `x-amz-meta-…`. */
const STORED_HEADERS: ReadonlySet<string> = new Set([
  'content-type',
  'content-disposition',
  'content-encoding',
  'content-language',
  'cache-control',
  'expires',
])

/** @throws StorageError AccessDenied for a presigned URL that has expired, InvalidURI */
export function readRequest(request: IncomingMessage, nowMs: number): S3Request {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  refuseExpired(searchParams, nowMs)
  const [bucket = '', ...key] = decodePath(pathname).slice(1).split('/')
  const isChunked = String(request.headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-')
  return {
    method: request.method ?? 'GET',
    bucket,
    key: key.join('/'),
    query: searchParams,
    headers: request.headers,
    body: isChunked ? decodeAwsChunked(request) : request,
  }
}

/** The whole body as text. @throws StorageError EntityTooLarge */
export async function readDocument(body: AsyncIterable<Uint8Array>): Promise<string> {
  const text = `The document is larger than ${MAX_DOCUMENT_BYTES} bytes.`
  const tooLarge = () => new StorageError(400, 'EntityTooLarge', text)
  return (await readAtMost(body, MAX_DOCUMENT_BYTES, tooLarge)).toString()
}

/** Headers of a write that are returned on reads. */
export function storedHeaders(headers: IncomingMessage['headers']): Record<string, string> {
  const kept = Object.entries(headers).flatMap(([name, value]): [string, string][] => {
    const isKept = STORED_HEADERS.has(name) || name.startsWith('x-amz-meta-')
    const text = name === 'content-encoding' ? withoutAwsChunked(String(value)) : String(value)
    return isKept && value !== undefined && text !== '' ? [[name, text]] : []
  })
  return Object.fromEntries(kept)
}

/** Size and checksums of a received body. */
export interface Measured {
  readonly sizeBytes: number
  /** Hexadecimal. */
  readonly md5: string
  readonly crc32: number
}

/**
 * Compares the size and checksums that the client states with those of the received bytes.
 * @throws StorageError IncompleteBody, BadDigest
 */
export function checkDigests({ headers }: S3Request, { sizeBytes, md5, crc32 }: Measured): void {
  const announced = headers['x-amz-decoded-content-length']
  if (announced !== undefined && Number(announced) !== sizeBytes) {
    throw new StorageError(400, 'IncompleteBody', `${sizeBytes} of ${String(announced)} bytes arrived.`)
  }
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(crc32)
  const computed: readonly (readonly [header: string, value: string])[] = [
    ['content-md5', Buffer.from(md5, 'hex').toString('base64')],
    ['x-amz-checksum-crc32', crc.toString('base64')],
  ]
  for (const [header, value] of computed) {
    const said = headers[header]
    if (said !== undefined && said !== value) {
      throw new StorageError(400, 'BadDigest', `${header} is ${String(said)}, but the bytes have ${value}.`)
    }
  }
}

/** Opaque continuation token, as S3's. */
export const tokenOf = (key: string): string => Buffer.from(key).toString('base64url')
export const keyOfToken = (token: string): string => Buffer.from(token, 'base64url').toString()

/** Identifies one request in logs and error documents. */
export const requestId = (): string => randomBytes(8).toString('hex').toUpperCase()

function decodePath(pathname: string): string {
  try {
    return decodeURIComponent(pathname)
  } catch {
    throw new StorageError(400, 'InvalidURI', 'The path is not percent-encoded UTF-8.')
  }
}

function withoutAwsChunked(value: string): string {
  return value
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== 'aws-chunked')
    .join(',')
}

function refuseExpired(query: URLSearchParams, nowMs: number): void {
  const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/u.exec(query.get('X-Amz-Date') ?? '')
  const seconds = query.get('X-Amz-Expires')
  if (date === null || seconds === null) return
  const [, year, month, day, hour, minute, second] = date.map(Number)
  const signedMs = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second)
  if (nowMs > signedMs + Number(seconds) * 1000) {
    throw new StorageError(403, 'AccessDenied', 'Request has expired')
  }
}

import { askedRange } from '../../src/shared/byte-range.ts'
import type { StoredObject } from './catalogue.ts'
import { notImplemented, pageSize, type S3Answer, type S3State, xml } from './s3-answer.ts'
import {
  CHECKSUM_ALGORITHM,
  checksumOf,
  copyResult,
  copySource,
  matches,
  receive,
  requireMatch,
  store,
} from './s3-content.ts'
import { keyOfToken, readDocument, type S3Request, storedHeaders, tokenOf } from './s3-request.ts'
import { readDeletion } from './s3-xml.ts'
import { StorageError } from './storage-error.ts'

/** `PutObject`, or `CopyObject` if a source is named. */
export async function putObject(state: S3State, request: S3Request): Promise<S3Answer> {
  state.objects.checkBucket(request.bucket)
  const source = request.headers['x-amz-copy-source']
  if (source !== undefined) return copyObject(state, request, String(source))
  const content = await receive(state, request)
  await store(state, request, { content, headers: storedHeaders(request.headers), reason: 'PutObject' })
  return { status: 200, headers: { etag: content.etag } }
}

async function copyObject(state: S3State, request: S3Request, source: string): Promise<S3Answer> {
  const from = copySource(state, request, source)
  const checksum = await checksumOf(state, request.headers[CHECKSUM_ALGORITHM], from)
  await store(state, request, { content: from, headers: from.headers, reason: 'CopyObject' })
  return copyResult('CopyObjectResult', state, from, checksum)
}

/** `GetObject` and `HeadObject`, with one range, entity-tag conditions and the `response-…` overrides. */
export function getObject(state: S3State, request: S3Request): S3Answer {
  const object = state.objects.find(request)
  const isNotModified = refuseByCondition(request, object)
  const headers = {
    'accept-ranges': 'bytes',
    etag: object.etag,
    'last-modified': new Date(object.modifiedMs).toUTCString(),
    ...object.headers,
    ...overrides(request.query),
  }
  if (isNotModified) return { status: 304, headers }
  const span = askedRange(request.headers.range, object.sizeBytes)
  if (span === 'unsatisfiable') {
    throw new StorageError(416, 'InvalidRange', 'The requested range is not satisfiable')
  }
  const { start, end } = span ?? { start: 0, end: object.sizeBytes }
  return {
    status: span === undefined ? 200 : 206,
    headers: {
      'content-type': 'binary/octet-stream',
      ...headers,
      'content-length': String(end - start),
      ...(span && { 'content-range': `bytes ${start}-${end - 1}/${object.sizeBytes}` }),
    },
    ...(request.method === 'GET' && { body: state.files.read(object, { start, end }) }),
  }
}

/** `DeleteObject`: no error when the object does not exist. */
export async function deleteObject(state: S3State, { bucket, key }: S3Request): Promise<S3Answer> {
  await state.files.remove(state.objects.remove(bucket, [key]))
  return { status: 204 }
}

/** `DeleteObjects`. */
export async function deleteObjects(state: S3State, { bucket, body }: S3Request): Promise<S3Answer> {
  const { keys, isQuiet } = readDeletion(await readDocument(body))
  await state.files.remove(state.objects.remove(bucket, keys))
  return xml('DeleteResult', { Deleted: isQuiet ? [] : keys.map((key) => ({ Key: key })) })
}

/** `ListObjectsV2`. */
export function listObjects(state: S3State, { bucket, query }: S3Request): S3Answer {
  if (query.has('delimiter')) throw notImplemented('delimiter')
  const prefix = query.get('prefix') ?? ''
  const token = query.get('continuation-token')
  const after = token === null ? (query.get('start-after') ?? '') : keyOfToken(token)
  const limit = pageSize(query, 'max-keys')
  const found = state.objects.list(bucket, prefix, { after, limit: limit + 1 })
  const page = found.slice(0, limit)
  const last = page.at(-1)?.key ?? after
  const isTruncated = found.length > limit
  const encode = query.get('encoding-type') === 'url' ? encodeURIComponent : (key: string) => key
  return xml('ListBucketResult', {
    Name: bucket,
    Prefix: encode(prefix),
    MaxKeys: limit,
    KeyCount: page.length,
    IsTruncated: isTruncated,
    EncodingType: query.has('encoding-type') ? 'url' : undefined,
    NextContinuationToken: isTruncated ? tokenOf(last) : undefined,
    Contents: page.map(({ key, sizeBytes, etag, modifiedMs }) => ({
      Key: encode(key),
      LastModified: new Date(modifiedMs).toISOString(),
      ETag: etag,
      Size: sizeBytes,
      StorageClass: 'STANDARD',
    })),
  })
}

/**
 * @returns whether the client has the object already
 * @throws StorageError PreconditionFailed
 */
function refuseByCondition({ headers }: S3Request, object: StoredObject): boolean {
  requireMatch(headers['if-match'], object)
  const ifNoneMatch = headers['if-none-match']
  return ifNoneMatch !== undefined && matches(ifNoneMatch, object)
}

/** Headers that the query overrides, such as `response-content-type=…`. */
function overrides(query: URLSearchParams): Record<string, string> {
  const named = [...query].flatMap(([name, value]): [string, string][] =>
    name.startsWith('response-') ? [[name.slice('response-'.length), value]] : [],
  )
  return Object.fromEntries(named)
}

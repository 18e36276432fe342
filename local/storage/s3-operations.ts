import { createHash, randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { spanOf } from './byte-range.ts'
import type { Catalogue, Content, StoredObject } from './catalogue.ts'
import { cut, type DataFiles } from './data-files.ts'
import { checkPartNumber, type Multipart } from './multipart.ts'
import type { ObjectName, Objects } from './objects.ts'
import { S3Error } from './s3-error.ts'
import {
  checkDigests,
  keyOfToken,
  readDocument,
  type S3Request,
  storedHeaders,
  tokenOf,
} from './s3-request.ts'
import { partXml, readCompletion, readDeletion, uploadXml, writeXml, type XmlContent } from './s3-xml.ts'

/** What the operations work on. */
export interface S3State {
  readonly catalogue: Catalogue
  readonly files: DataFiles
  readonly objects: Objects
  readonly multipart: Multipart
  readonly nowMs: () => number
  /** Tells that an event was recorded. */
  readonly onEvent: () => void
  readonly origin: { readonly account: string; readonly region: string }
}

/** An answer before it is written. */
export interface S3Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Readable
}

/** S3 lists so many entries at most. */
const LARGEST_PAGE = 1000

const xml = (name: string, content: XmlContent): S3Answer => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: writeXml(name, content),
})

/** `PutObject`, and `CopyObject` where a source is named. */
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
  await store(state, request, { content: from, headers: from.headers, reason: 'CopyObject' })
  return xml('CopyObjectResult', [
    ['ETag', from.etag],
    ['LastModified', new Date(state.nowMs()).toISOString()],
  ])
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
  const span = spanOf(request.headers.range, object.sizeBytes)
  if (span === 'unsatisfiable') {
    throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable')
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

/** `DeleteObject`: nothing happens when it is gone. */
export async function deleteObject(state: S3State, { bucket, key }: S3Request): Promise<S3Answer> {
  await state.files.remove(state.objects.remove(bucket, [key]))
  return { status: 204 }
}

/** `DeleteObjects`. */
export async function deleteObjects(state: S3State, { bucket, body }: S3Request): Promise<S3Answer> {
  const { keys, isQuiet } = readDeletion(await readDocument(body))
  await state.files.remove(state.objects.remove(bucket, keys))
  const deleted = keys.map((key): readonly [string, XmlContent] => ['Deleted', [['Key', key]]])
  return xml('DeleteResult', isQuiet ? [] : deleted)
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
  return xml('ListBucketResult', [
    ['Name', bucket],
    ['Prefix', encode(prefix)],
    ['MaxKeys', limit],
    ['KeyCount', page.length],
    ['IsTruncated', isTruncated],
    ...(query.has('encoding-type') ? ([['EncodingType', 'url']] as const) : []),
    ...(isTruncated ? ([['NextContinuationToken', tokenOf(last)]] as const) : []),
    ...page.map(({ key, sizeBytes, etag, modifiedMs }): readonly [string, XmlContent] => [
      'Contents',
      [
        ['Key', encode(key)],
        ['LastModified', new Date(modifiedMs).toISOString()],
        ['ETag', etag],
        ['Size', sizeBytes],
        ['StorageClass', 'STANDARD'],
      ],
    ]),
  ])
}

/** `CreateMultipartUpload`. */
export function createUpload(state: S3State, request: S3Request): S3Answer {
  const { bucket, key } = request
  state.objects.checkBucket(bucket)
  const id = state.multipart.start(request, storedHeaders(request.headers), state.nowMs())
  return xml('InitiateMultipartUploadResult', [
    ['Bucket', bucket],
    ['Key', key],
    ['UploadId', id],
  ])
}

/** `UploadPart`, and `UploadPartCopy` where a source is named. */
export async function uploadPart(state: S3State, request: S3Request): Promise<S3Answer> {
  const id = request.query.get('uploadId') ?? ''
  const number = checkPartNumber(Number(request.query.get('partNumber')))
  // Before the bytes: a part that nobody waits for is refused at once.
  state.multipart.find(request, id)
  const source = request.headers['x-amz-copy-source']
  const content =
    source === undefined ? await receive(state, request) : copiedPart(state, request, String(source))
  try {
    await state.files.remove(state.multipart.putPart(request, { id, number }, content, state.nowMs()))
  } catch (error) {
    await removeUnused(state, content)
    throw error
  }
  if (source === undefined) return { status: 200, headers: { etag: content.etag } }
  return xml('CopyPartResult', [
    ['ETag', content.etag],
    ['LastModified', new Date(state.nowMs()).toISOString()],
  ])
}

/** `ListParts`. As on AWS the last page has a marker too, and `IsTruncated: false` says that it is the last. */
export function listParts(state: S3State, request: S3Request): S3Answer {
  const { query, bucket, key } = request
  const id = query.get('uploadId') ?? ''
  const limit = pageSize(query, 'max-parts')
  const after = Number(query.get('part-number-marker') ?? 0)
  const found = state.multipart.listParts(request, id, { after, limit: limit + 1 })
  const page = found.slice(0, limit)
  return xml('ListPartsResult', [
    ['Bucket', bucket],
    ['Key', key],
    ['UploadId', id],
    ['PartNumberMarker', after],
    ['NextPartNumberMarker', page.at(-1)?.number ?? 0],
    ['MaxParts', limit],
    ['IsTruncated', found.length > limit],
    ...page.map((part): readonly [string, XmlContent] => ['Part', partXml(part)]),
  ])
}

/** `ListMultipartUploads`, in one page. */
export function listUploads(state: S3State, { bucket, query }: S3Request): S3Answer {
  state.objects.checkBucket(bucket)
  const prefix = query.get('prefix') ?? ''
  const uploads = state.multipart.listUploads(bucket, prefix)
  return xml('ListMultipartUploadsResult', [
    ['Bucket', bucket],
    ['Prefix', prefix],
    ['IsTruncated', false],
    ...uploads.map((upload): readonly [string, XmlContent] => ['Upload', uploadXml(upload)]),
  ])
}

/** `CompleteMultipartUpload`: the object refers to the files of the parts, no byte is copied. */
export async function completeUpload(state: S3State, request: S3Request): Promise<S3Answer> {
  const id = request.query.get('uploadId') ?? ''
  const parts = readCompletion(await readDocument(request.body))
  const { multipart, catalogue } = state
  const { content, unused } = catalogue.transaction(() => {
    const { headers } = multipart.find(request, id)
    const assembled = multipart.assemble(request, id, parts)
    const replaced = write(state, request, { content: assembled, headers, reason: 'CompleteMultipartUpload' })
    return { content: assembled, unused: [...replaced, ...multipart.remove(request, id)] }
  })
  state.onEvent()
  await state.files.remove(unused)
  return xml('CompleteMultipartUploadResult', [
    ['Bucket', request.bucket],
    ['Key', request.key],
    ['ETag', content.etag],
  ])
}

/** `AbortMultipartUpload`. */
export async function abortUpload(state: S3State, request: S3Request): Promise<S3Answer> {
  const id = request.query.get('uploadId') ?? ''
  await state.files.remove(state.multipart.remove(request, id))
  return { status: 204 }
}

/** What this server has no code for. */
export function notImplemented(what: string): S3Error {
  return new S3Error(501, 'NotImplemented', `The local object store does not implement ${what}.`)
}

interface Stored {
  readonly content: Content
  readonly headers: Readonly<Record<string, string>>
  readonly reason: 'PutObject' | 'CopyObject' | 'CompleteMultipartUpload'
}

async function store(state: S3State, request: S3Request, stored: Stored): Promise<void> {
  try {
    const unused = write(state, request, stored)
    state.onEvent()
    await state.files.remove(unused)
  } catch (error) {
    await removeUnused(state, stored.content)
    throw error
  }
}

/** @returns the data files that became unused. */
function write(state: S3State, request: S3Request, { content, headers, reason }: Stored): string[] {
  const ifAbsent = request.headers['if-none-match'] === '*'
  const event = eventOf(state, request, { content, reason })
  return state.objects.put(request, { content, headers, ifAbsent, event }, state.nowMs())
}

/** The event that S3 puts on EventBridge (S3 user guide, "EventBridge event message structure"). */
function eventOf(
  { origin, nowMs }: S3State,
  { bucket, key }: ObjectName,
  { content, reason }: Pick<Stored, 'content' | 'reason'>,
): { readonly id: string; readonly body: string } {
  const id = randomUUID()
  const body = {
    version: '0',
    id,
    'detail-type': 'Object Created',
    source: 'aws.s3',
    ...origin,
    time: `${new Date(nowMs()).toISOString().slice(0, 19)}Z`,
    resources: [`arn:aws:s3:::${bucket}`],
    detail: {
      version: '0',
      bucket: { name: bucket },
      object: { key, size: content.sizeBytes, etag: content.etag.replaceAll('"', '') },
      requester: origin.account,
      reason,
    },
  }
  return { id, body: JSON.stringify(body) }
}

async function receive({ files }: S3State, request: S3Request): Promise<Content> {
  const digest = createHash('md5')
  let crc = 0
  const written = await files.write(request.body, (chunk) => {
    digest.update(chunk)
    crc = crc32(chunk, crc)
  })
  const md5 = digest.digest('hex')
  try {
    checkDigests(request, { sizeBytes: written.sizeBytes, md5, crc32: crc })
  } catch (error) {
    await files.remove(written.segments.map(({ file }) => file))
    throw error
  }
  return { ...written, etag: `"${md5}"` }
}

/** Copied bytes are referred to, so their entity tag is made of the source's and the range. */
function copiedPart(state: S3State, request: S3Request, source: string): Content {
  const { headers } = request
  const from = copySource(state, request, source)
  const range = headers['x-amz-copy-source-range']
  const span = range === undefined ? undefined : spanOf(String(range), from.sizeBytes)
  if (span === 'unsatisfiable')
    throw new S3Error(416, 'InvalidRange', 'The copied range lies behind the end.')
  const { start, end } = span ?? { start: 0, end: from.sizeBytes }
  const digest = createHash('md5').update(`${from.etag}/${start}-${end}`).digest('hex')
  return { sizeBytes: end - start, etag: `"${digest}"`, segments: cut(from.segments, start, end) }
}

async function removeUnused({ catalogue, files }: S3State, { segments }: Content): Promise<void> {
  await files.remove(segments.map(({ file }) => file).filter((file) => !catalogue.isFileUsed(file)))
}

/** @throws S3Error NoSuchKey, PreconditionFailed */
function copySource(state: S3State, { headers }: S3Request, source: string): StoredObject {
  const found = state.objects.find(sourceName(source))
  requireMatch(headers['x-amz-copy-source-if-match'], found)
  return found
}

/** @throws S3Error InvalidArgument */
function sourceName(header: string): ObjectName {
  try {
    const [bucket = '', ...key] = decodeURIComponent(header).replace(/^\//u, '').split('/')
    return { bucket, key: key.join('/') }
  } catch {
    throw new S3Error(400, 'InvalidArgument', 'x-amz-copy-source is not percent-encoded UTF-8.')
  }
}

/** @returns whether the client has the object already. @throws S3Error PreconditionFailed */
function refuseByCondition({ headers }: S3Request, object: StoredObject): boolean {
  requireMatch(headers['if-match'], object)
  const ifNoneMatch = headers['if-none-match']
  return ifNoneMatch !== undefined && matches(ifNoneMatch, object)
}

/** @throws S3Error PreconditionFailed */
function requireMatch(header: string | string[] | undefined, object: StoredObject): void {
  if (header === undefined || matches(String(header), object)) return
  throw new S3Error(412, 'PreconditionFailed', `The object's entity tag is ${object.etag}.`)
}

/** Whether a list of entity tags, or `*`, names the object's. */
function matches(header: string, { etag }: StoredObject): boolean {
  const bare = (tag: string): string => tag.trim().replace(/^W\//u, '').replaceAll('"', '')
  return header === '*' || header.split(',').some((tag) => bare(tag) === bare(etag))
}

/** `response-content-type=…` and the like. */
function overrides(query: URLSearchParams): Record<string, string> {
  const named = [...query].flatMap(([name, value]): [string, string][] =>
    name.startsWith('response-') ? [[name.slice('response-'.length), value]] : [],
  )
  return Object.fromEntries(named)
}

function pageSize(query: URLSearchParams, name: string): number {
  const asked = Number(query.get(name) ?? LARGEST_PAGE)
  return Math.max(0, Math.min(Number.isInteger(asked) ? asked : LARGEST_PAGE, LARGEST_PAGE))
}

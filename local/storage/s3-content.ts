import { createHash, randomUUID } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Content, StoredObject } from './catalogue.ts'
import type { ObjectName } from './objects.ts'
import { type S3Answer, type S3State, xml } from './s3-answer.ts'
import { checkDigests, type S3Request } from './s3-request.ts'
import { StorageError } from './storage-error.ts'

interface Stored {
  readonly content: Content
  readonly headers: Readonly<Record<string, string>>
  readonly reason: 'PutObject' | 'CopyObject' | 'CompleteMultipartUpload'
}

export async function store(state: S3State, request: S3Request, stored: Stored): Promise<void> {
  try {
    const unused = write(state, request, stored)
    state.onEvent()
    await state.files.remove(unused)
  } catch (error) {
    await removeUnused(state, stored.content)
    throw error
  }
}

/** @returns data files without references */
export function write(state: S3State, request: S3Request, { content, headers, reason }: Stored): string[] {
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

export async function receive({ files }: S3State, request: S3Request): Promise<Content> {
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

/** Header by which a client requests a checksum of copied bytes. */
export const CHECKSUM_ALGORITHM = 'x-amz-checksum-algorithm'

/** SHA-256 in base64, if the header requests it. Clients of this server use no other algorithm. */
export async function checksumOf(
  { files }: S3State,
  algorithm: string | string[] | undefined,
  content: Content,
): Promise<{ readonly ChecksumSHA256?: string }> {
  if (String(algorithm).toUpperCase() !== 'SHA256') return {}
  const hash = createHash('sha256')
  for await (const chunk of files.read(content)) hash.update(chunk as Buffer)
  return { ChecksumSHA256: hash.digest('base64') }
}

/** Answer of a copy. */
export function copyResult(
  name: string,
  { nowMs }: S3State,
  { etag }: Content,
  checksum: { readonly ChecksumSHA256?: string },
): S3Answer {
  return xml(name, { ETag: etag, LastModified: new Date(nowMs()).toISOString(), ...checksum })
}

export async function removeUnused({ catalogue, files }: S3State, { segments }: Content): Promise<void> {
  await files.remove(segments.map(({ file }) => file).filter((file) => !catalogue.isFileUsed(file)))
}

/** @throws StorageError NoSuchKey, PreconditionFailed */
export function copySource(state: S3State, { headers }: S3Request, source: string): StoredObject {
  const found = state.objects.find(sourceName(source))
  requireMatch(headers['x-amz-copy-source-if-match'], found)
  return found
}

/** @throws StorageError InvalidArgument */
function sourceName(header: string): ObjectName {
  try {
    const [bucket = '', ...key] = decodeURIComponent(header).replace(/^\//u, '').split('/')
    return { bucket, key: key.join('/') }
  } catch {
    throw new StorageError(400, 'InvalidArgument', 'x-amz-copy-source is not percent-encoded UTF-8.')
  }
}

/** @throws StorageError PreconditionFailed */
export function requireMatch(header: string | string[] | undefined, object: StoredObject): void {
  if (header === undefined || matches(String(header), object)) return
  throw new StorageError(412, 'PreconditionFailed', `The object's entity tag is ${object.etag}.`)
}

/** Whether a list of entity tags, or `*`, names the object's. */
export function matches(header: string, { etag }: StoredObject): boolean {
  const bare = (tag: string): string => tag.trim().replace(/^W\//u, '').replaceAll('"', '')
  return header === '*' || header.split(',').some((tag) => bare(tag) === bare(etag))
}

import { createHash } from 'node:crypto'
import { askedRange } from '../../src/shared/byte-range.ts'
import type { Content } from './catalogue.ts'
import { cut } from './data-files.ts'
import { checkPartNumber, type NamedPart } from './multipart.ts'
import { pageSize, type S3Answer, type S3State, xml } from './s3-answer.ts'
import {
  CHECKSUM_ALGORITHM,
  checksumOf,
  copyResult,
  copySource,
  receive,
  removeUnused,
  write,
} from './s3-content.ts'
import { readDocument, type S3Request, storedHeaders } from './s3-request.ts'
import { partXml, readCompletion, uploadXml } from './s3-xml.ts'
import { StorageError } from './storage-error.ts'

/** `CreateMultipartUpload`. */
export function createUpload(state: S3State, request: S3Request): S3Answer {
  const { bucket, key } = request
  state.objects.checkBucket(bucket)
  const algorithm = request.headers[CHECKSUM_ALGORITHM]
  const headers = {
    ...storedHeaders(request.headers),
    ...(algorithm !== undefined && { [CHECKSUM_ALGORITHM]: String(algorithm) }),
  }
  const id = state.multipart.start(request, headers, state.nowMs())
  return xml('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: id })
}

/** `UploadPart`, or `UploadPartCopy` if a source is named. */
export async function uploadPart(state: S3State, request: S3Request): Promise<S3Answer> {
  const id = request.query.get('uploadId') ?? ''
  const number = checkPartNumber(Number(request.query.get('partNumber')))
  // Checked before the bytes are read, so that a part of an unknown upload is refused at once.
  const { headers } = state.multipart.find(request, id)
  const source = request.headers['x-amz-copy-source']
  const content =
    source === undefined ? await receive(state, request) : copiedPart(state, request, String(source))
  const checksum = source === undefined ? {} : await checksumOf(state, headers[CHECKSUM_ALGORITHM], content)
  try {
    await state.files.remove(state.multipart.putPart(request, { id, number }, content, state.nowMs()))
  } catch (error) {
    await removeUnused(state, content)
    throw error
  }
  if (source === undefined) return { status: 200, headers: { etag: content.etag } }
  return copyResult('CopyPartResult', state, content, checksum)
}

/** `ListParts`. As on AWS, the last page has a marker too; `IsTruncated: false` identifies it. */
export function listParts(state: S3State, request: S3Request): S3Answer {
  const { query, bucket, key } = request
  const id = query.get('uploadId') ?? ''
  const limit = pageSize(query, 'max-parts')
  const after = Number(query.get('part-number-marker') ?? 0)
  const found = state.multipart.listParts(request, id, { after, limit: limit + 1 })
  const page = found.slice(0, limit)
  return xml('ListPartsResult', {
    Bucket: bucket,
    Key: key,
    UploadId: id,
    PartNumberMarker: after,
    NextPartNumberMarker: page.at(-1)?.number ?? 0,
    MaxParts: limit,
    IsTruncated: found.length > limit,
    Part: page.map(partXml),
  })
}

/** `ListMultipartUploads`, in one page. */
export function listUploads(state: S3State, { bucket, query }: S3Request): S3Answer {
  state.objects.checkBucket(bucket)
  const prefix = query.get('prefix') ?? ''
  const Upload = state.multipart.listUploads(bucket, prefix).map(uploadXml)
  return xml('ListMultipartUploadsResult', { Bucket: bucket, Prefix: prefix, IsTruncated: false, Upload })
}

/** `CompleteMultipartUpload`: the object refers to the files of the parts, and no byte is copied. */
export async function completeUpload(state: S3State, request: S3Request): Promise<S3Answer> {
  const id = request.query.get('uploadId') ?? ''
  const parts = readCompletion(await readDocument(request.body))
  const { multipart, catalogue } = state
  const { content, unused } = catalogue.transaction(() => {
    const { [CHECKSUM_ALGORITHM]: algorithm, ...headers } = multipart.find(request, id).headers
    if (algorithm !== undefined) requireChecksums(algorithm, parts)
    const assembled = multipart.assemble(request, id, parts)
    const replaced = write(state, request, { content: assembled, headers, reason: 'CompleteMultipartUpload' })
    return { content: assembled, unused: [...replaced, ...multipart.remove(request, id)] }
  })
  state.onEvent()
  await state.files.remove(unused)
  const { bucket: Bucket, key: Key } = request
  return xml('CompleteMultipartUploadResult', { Bucket, Key, ETag: content.etag })
}

/** @throws StorageError InvalidRequest */
function requireChecksums(algorithm: string, parts: readonly NamedPart[]): void {
  const missing = parts.find(({ checksum }) => checksum === undefined)
  if (missing === undefined) return
  const text = `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${missing.number} in the request.`
  throw new StorageError(400, 'InvalidRequest', text)
}

/** `AbortMultipartUpload`. */
export async function abortUpload(state: S3State, request: S3Request): Promise<S3Answer> {
  const id = request.query.get('uploadId') ?? ''
  await state.files.remove(state.multipart.remove(request, id))
  return { status: 204 }
}

/** Copied bytes are referenced, so their entity tag is derived from the source's and the range. */
function copiedPart(state: S3State, request: S3Request, source: string): Content {
  const { headers } = request
  const from = copySource(state, request, source)
  const range = headers['x-amz-copy-source-range']
  const span = range === undefined ? undefined : askedRange(String(range), from.sizeBytes)
  if (span === 'unsatisfiable')
    throw new StorageError(416, 'InvalidRange', 'The copied range starts after the end.')
  const { start, end } = span ?? { start: 0, end: from.sizeBytes }
  const digest = createHash('md5').update(`${from.etag}/${start}-${end}`).digest('hex')
  return { sizeBytes: end - start, etag: `"${digest}"`, segments: cut(from.segments, start, end) }
}

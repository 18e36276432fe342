import { Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { pagesOf, s3TokenAfter } from '../shared/pages.ts'
import { type ByteRange, ObjectExchangedError, type ObjectStore, type ObjectVersion } from './object-store.ts'
import { copyObject } from './s3-copy.ts'
import { isExchanged, unlessMissing } from './s3-errors.ts'

export interface S3ObjectStoreOptions {
  readonly client: S3Client
  /** Client that signs URLs, if clients reach the bucket at another address. */
  readonly signer?: S3Client
  readonly bucketName: string
  /** Objects on a page of a listing and in one removal, 1000 at most. */
  readonly pageSize?: number
  /** Size of the ranges in which large objects are copied. */
  readonly copyRangeBytes?: number
}

/** Size of a part. Four parts are in memory (64 MiB); 10 000 parts are 156 GiB. */
const PART_SIZE_BYTES = 16 * 1024 * 1024
const PARTS_AT_ONCE = 4

/** The bucket as the parts of the store use it. */
interface Bucket {
  readonly client: S3Client
  readonly bucket: { readonly Bucket: string }
  readonly pageSize: number
}

/** The S3 bucket of the installation. */
export function createS3ObjectStore({
  client,
  signer = client,
  bucketName,
  pageSize = 1000,
  copyRangeBytes,
}: S3ObjectStoreOptions): ObjectStore {
  const place = { client, bucket: { Bucket: bucketName }, pageSize }
  return {
    ...createReads(place),
    ...createWrites(place),
    copy: createCopy(place, copyRangeBytes),
    ...createRemovals(place),
    ...createPresigning(signer, place.bucket),
  }
}

function createReads(place: Bucket): Pick<ObjectStore, 'find' | 'size' | 'read' | 'list'> {
  return {
    find: (key) => findObject(place, key),

    async size(key) {
      return (await findObject(place, key))?.sizeBytes
    },

    async read(key, range, etag) {
      if (range?.length === 0) {
        const found = await findObject(place, key)
        if (found !== undefined) requireVersion(key, found, etag)
        return found && Readable.from([])
      }
      const version = etag === undefined ? {} : { IfMatch: etag }
      const command = new GetObjectCommand({ ...place.bucket, Key: key, ...rangeOf(range), ...version })
      try {
        const { Body } = (await unlessMissing(place.client.send(command), () => isListed(place, key))) ?? {}
        if (Body === undefined) return undefined
        if (!(Body instanceof Readable)) throw new Error('the body of an object is not a Node stream')
        return Body
      } catch (error) {
        // The range starts at or after the end.
        if (error instanceof S3ServiceException && error.name === 'InvalidRange') return Readable.from([])
        throw asExchanged(key, error)
      }
    },

    async *list(prefix) {
      for await (const page of pagesBelow(place, prefix)) yield* page
    },
  }
}

function createWrites({ client, bucket }: Bucket): Pick<ObjectStore, 'put' | 'write'> {
  return {
    async put(key, body, contentType) {
      // For an empty text the SDK sends no Content-Length, which S3 refuses.
      const bytes = typeof body === 'string' ? Buffer.from(body) : body
      await client.send(
        new PutObjectCommand({ ...bucket, Key: key, Body: bytes, ...contentTypeOf(contentType) }),
      )
    },

    async write(key, body, contentType) {
      let sizeBytes = 0
      async function* counted() {
        for await (const chunk of body) {
          sizeBytes += Buffer.byteLength(chunk)
          yield chunk
        }
      }
      const upload = new Upload({
        client,
        params: { ...bucket, Key: key, Body: Readable.from(counted()), ...contentTypeOf(contentType) },
        partSize: PART_SIZE_BYTES,
        queueSize: PARTS_AT_ONCE,
        leavePartsOnError: false,
      })
      try {
        await upload.done()
      } catch (error) {
        // Releases the connection of the stream.
        body.destroy()
        throw error
      }
      return sizeBytes
    },
  }
}

function createCopy(place: Bucket, copyRangeBytes: number | undefined): ObjectStore['copy'] {
  return async (from, to, etag, isTimeUp) => {
    const found = await findObject(place, from)
    if (found === undefined) return undefined
    requireVersion(from, found, etag)
    const options = {
      ...(copyRangeBytes !== undefined && { rangeBytes: copyRangeBytes }),
      ...(isTimeUp !== undefined && { isTimeUp }),
    }
    const bucketName = place.bucket.Bucket
    const copying = copyObject(place.client, { bucketName, from, to, ...found, ...options })
    const copied = copying.then(
      (digest) => ({ sizeBytes: found.sizeBytes, ...(digest !== undefined && { digest }) }),
      (error: unknown) => Promise.reject(asExchanged(from, error)),
    )
    return await unlessMissing(copied, () => isListed(place, from))
  }
}

function createRemovals(place: Bucket): Pick<ObjectStore, 'remove' | 'removeAll'> {
  const { client, bucket } = place
  return {
    async remove(key) {
      await client.send(new DeleteObjectCommand({ ...bucket, Key: key }))
    },

    async removeAll(prefix, isTimeUp = () => false) {
      for await (const page of pagesBelow(place, prefix)) {
        if (isTimeUp()) return
        if (page.length === 0) continue
        const objects = page.map(({ key }) => ({ Key: key }))
        const command = new DeleteObjectsCommand({ ...bucket, Delete: { Objects: objects, Quiet: true } })
        const { Errors: [failed, ...others] = [] } = await client.send(command)
        if (failed !== undefined) {
          throw new Error(`${others.length + 1} objects were not removed: ${failed.Key} ${failed.Code}`)
        }
      }
    },
  }
}

function createPresigning(
  signer: S3Client,
  bucket: Bucket['bucket'],
): Pick<ObjectStore, 'presignRead' | 'presignWrite'> {
  return {
    async presignRead(key, seconds, headers, method = 'GET') {
      const input = {
        ...bucket,
        Key: key,
        ...(headers && {
          ResponseContentType: headers.contentType,
          ResponseContentDisposition: headers.contentDisposition,
        }),
      }
      const expiry = { expiresIn: seconds }
      return method === 'HEAD'
        ? getSignedUrl(signer, new HeadObjectCommand(input), expiry)
        : getSignedUrl(signer, new GetObjectCommand(input), expiry)
    },

    async presignWrite(key, seconds) {
      return getSignedUrl(signer, new PutObjectCommand({ ...bucket, Key: key }), { expiresIn: seconds })
    },
  }
}

async function findObject(place: Bucket, key: string): Promise<ObjectVersion | undefined> {
  const head = place.client.send(new HeadObjectCommand({ ...place.bucket, Key: key }))
  const { ContentLength, ETag } = (await unlessMissing(head, () => isListed(place, key))) ?? {}
  if (ContentLength === undefined || ETag === undefined) return undefined
  return { sizeBytes: ContentLength, etag: ETag }
}

/** The key itself is the first of all keys with this prefix. */
async function isListed({ client, bucket }: Bucket, key: string): Promise<boolean> {
  const command = new ListObjectsV2Command({ ...bucket, Prefix: key, MaxKeys: 1 })
  return (await client.send(command)).Contents?.[0]?.Key === key
}

async function* pagesBelow({ client, bucket, pageSize }: Bucket, prefix: string) {
  const listing = { ...bucket, Prefix: prefix, MaxKeys: pageSize }
  const pages = pagesOf(
    (ContinuationToken) => client.send(new ListObjectsV2Command({ ...listing, ContinuationToken })),
    ({ IsTruncated, NextContinuationToken }) => s3TokenAfter(IsTruncated, NextContinuationToken),
  )
  for await (const page of pages) {
    yield (page.Contents ?? []).map(({ Key = '', Size = 0 }) => ({ key: Key, sizeBytes: Size }))
  }
}

/** @throws ObjectExchangedError */
function requireVersion(key: string, found: ObjectVersion, etag = found.etag): void {
  if (found.etag !== etag) throw new ObjectExchangedError(key)
}

function asExchanged(key: string, error: unknown): unknown {
  return isExchanged(error) ? new ObjectExchangedError(key, { cause: error }) : error
}

function contentTypeOf(contentType: string | undefined) {
  return contentType === undefined ? {} : { ContentType: contentType }
}

function rangeOf(range: ByteRange | undefined) {
  return range === undefined ? {} : { Range: `bytes=${range.start}-${range.start + range.length - 1}` }
}

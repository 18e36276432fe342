import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { digestByRanges, digestByS3 } from '../shared/content-digest.ts'
import { mapUntilFailure } from '../shared/map-until-failure.ts'
import { CopyStoppedError } from './object-store.ts'

/** A copy from one key of a bucket to another, or from another bucket. */
export interface ObjectCopy {
  readonly bucketName: string
  /** Bucket of `from`; `bucketName` when absent. */
  readonly sourceBucketName?: string
  readonly from: string
  readonly to: string
  readonly sizeBytes: number
  /** Version to copy: all ranges must be of the same one. */
  readonly etag: string
  /** Objects larger than this are copied in ranges of this size, at least 5 MiB. */
  readonly rangeBytes?: number
  /** Whether to start no further request. Requests in progress are waited for: a range takes a few seconds. */
  readonly isTimeUp?: () => boolean
}

/** S3 copies about 100 MB a second in one request, and allows 10 000 ranges: 1.2 TiB. */
const RANGE_BYTES = 128 * 1024 * 1024

/** Maximum number of concurrent ranges, below the SDK client's 50 connections. */
const RANGES_AT_ONCE = 40

/**
 * Maximum size of an object with a digest: S3 does not document how fast it computes checksums, and a call to the API
 * has 29 s.
 */
const MAX_DIGESTED_BYTES = 16 * 1024 ** 3

/**
 * Copies an object within S3, without its tags: copying them needs `s3:GetObjectTagging` and `s3:PutObjectTagging`. S3
 * computes the SHA-256 of the object, or of each range of a large one. Leaves no object when the copy fails.
 * @returns the digest of the content; undefined when S3 computed none
 * @throws S3ServiceException with status 412 when the object has another version
 * @throws CopyStoppedError
 */
export async function copyObject(client: S3Client, copy: ObjectCopy): Promise<string | undefined> {
  const { bucketName, to, sizeBytes, rangeBytes = RANGE_BYTES } = copy
  const target = {
    Bucket: bucketName,
    Key: to,
    ...(sizeBytes <= MAX_DIGESTED_BYTES && { ChecksumAlgorithm: 'SHA256' as const }),
  }
  stopInTime(copy)
  if (sizeBytes <= rangeBytes) {
    const command = new CopyObjectCommand({ ...target, ...sourceOf(copy), TaggingDirective: 'REPLACE' })
    // S3 may keep the checksum of a foreign object; a COMPOSITE one is that of its parts.
    const { ChecksumSHA256, ChecksumType } = (await client.send(command)).CopyObjectResult ?? {}
    return ChecksumType === 'COMPOSITE' ? undefined : digestByS3(ChecksumSHA256)
  }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(target))
  const upload = { Bucket: bucketName, Key: to, UploadId }
  try {
    const Parts = await copyRanges(client, upload, { ...copy, rangeBytes })
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
    return digestByRanges(
      rangeBytes,
      Parts.map(({ ChecksumSHA256 }) => ChecksumSHA256),
    )
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(upload))
    throw error
  }
}

/** Waits for all ranges even when one fails: a range that is copied after the abort would remain. */
async function copyRanges(
  client: S3Client,
  upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined },
  copy: ObjectCopy & { readonly rangeBytes: number },
) {
  const { sizeBytes, rangeBytes } = copy
  const copyRange = async (index: number) => {
    stopInTime(copy)
    const start = index * rangeBytes
    const end = Math.min(start + rangeBytes, sizeBytes) - 1
    const PartNumber = index + 1
    const command = new UploadPartCopyCommand({
      ...upload,
      PartNumber,
      ...sourceOf(copy),
      CopySourceRange: `bytes=${start}-${end}`,
    })
    const { CopyPartResult } = await client.send(command)
    const { ETag, ChecksumSHA256 } = CopyPartResult ?? {}
    return { PartNumber, ETag, ChecksumSHA256 }
  }
  const indexes = new Array(Math.ceil(sizeBytes / rangeBytes)).keys()
  return await mapUntilFailure(indexes, copyRange, { concurrency: RANGES_AT_ONCE })
}

/** @throws CopyStoppedError */
function stopInTime({ from, isTimeUp }: ObjectCopy): void {
  if (isTimeUp?.() === true) throw new CopyStoppedError(from)
}

/** Headers of a copy; keys are percent-encoded. */
function sourceOf({ bucketName, sourceBucketName = bucketName, from, etag }: ObjectCopy) {
  const CopySource = [sourceBucketName, ...from.split('/')].map(encodeURIComponent).join('/')
  return { CopySource, CopySourceIfMatch: etag }
}

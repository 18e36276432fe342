import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type ListPartsCommandInput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { pagesOf, s3TokenAfter } from '../shared/pages.ts'
import type { PartStore, StoredPart } from './part-store.ts'
import { unlessRefused } from './s3-errors.ts'

export interface S3PartStoreOptions {
  readonly client: S3Client
  /** Client that signs URLs, if clients reach the bucket at another address. */
  readonly signer?: S3Client
  readonly bucketName: string
  /** Parts on a page of a listing, 1000 at most. */
  readonly pageSize?: number
}

/** S3's error for an upload that was completed, aborted, or removed by the bucket's lifecycle rule. */
const NOT_THERE = 'NoSuchUpload'

/** Multipart uploads of the bucket. */
export function createS3PartStore({
  client,
  signer = client,
  bucketName,
  pageSize = 1000,
}: S3PartStoreOptions): PartStore {
  const uploadOf = (key: string, multipartId: string) => ({
    Bucket: bucketName,
    Key: key,
    UploadId: multipartId,
  })

  return {
    async start(key, contentType) {
      const { UploadId } = await client.send(
        new CreateMultipartUploadCommand({
          Bucket: bucketName,
          Key: key,
          ...(contentType !== undefined && { ContentType: contentType }),
        }),
      )
      if (UploadId === undefined) throw new Error('S3 returned no id for the upload')
      return UploadId
    },

    async presignPart(key, multipartId, partNumber, seconds) {
      const command = new UploadPartCommand({ ...uploadOf(key, multipartId), PartNumber: partNumber })
      return getSignedUrl(signer, command, { expiresIn: seconds })
    },

    async list(key, multipartId) {
      return await unlessRefused(
        listParts(client, { ...uploadOf(key, multipartId), MaxParts: pageSize }),
        NOT_THERE,
      )
    },

    async complete(key, multipartId, parts) {
      const Parts = parts.map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: etag }))
      const command = new CompleteMultipartUploadCommand({
        ...uploadOf(key, multipartId),
        MultipartUpload: { Parts },
      })
      return (await unlessRefused(client.send(command), NOT_THERE)) !== undefined
    },

    async abort(key, multipartId) {
      await unlessRefused(client.send(new AbortMultipartUploadCommand(uploadOf(key, multipartId))), NOT_THERE)
    },
  }
}

async function listParts(client: S3Client, listing: ListPartsCommandInput): Promise<StoredPart[]> {
  const parts: StoredPart[] = []
  const pages = pagesOf(
    (PartNumberMarker) => client.send(new ListPartsCommand({ ...listing, PartNumberMarker })),
    ({ IsTruncated, NextPartNumberMarker }) => s3TokenAfter(IsTruncated, NextPartNumberMarker),
  )
  for await (const page of pages) {
    for (const { PartNumber = 0, Size = 0, ETag = '' } of page.Parts ?? []) {
      parts.push({ partNumber: PartNumber, sizeBytes: Size, etag: ETag })
    }
  }
  return parts
}

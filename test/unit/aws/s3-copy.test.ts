import { createHash } from 'node:crypto'
import type { S3Client } from '@aws-sdk/client-s3'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createS3Client } from '../../../src/aws/clients.ts'
import { CopyStoppedError } from '../../../src/aws/object-store.ts'
import { copyObject } from '../../../src/aws/s3-copy.ts'
import { createS3PartStore } from '../../../src/aws/s3-part-store.ts'
import { digestOf } from '../../../src/shared/content-digest.ts'
import { stubClient } from './stub-client.ts'

const COPY = {
  bucketName: 'bucket',
  from: 'uploads/ä b',
  to: 'run/x',
  sizeBytes: 25,
  etag: '"v1"',
  rangeBytes: 10,
}
const TARGET = { Bucket: 'bucket', Key: 'run/x', UploadId: 'copy-1' }

describe('a copy within the bucket', () => {
  it('is one request for a small object, whose name is encoded', async () => {
    const { client, sent } = stubClient<S3Client>([{}])

    await copyObject(client, { ...COPY, sizeBytes: 10 })

    expect(sent).toMatchObject([
      { input: { Key: 'run/x', CopySource: 'bucket/uploads/%C3%A4%20b', CopySourceIfMatch: '"v1"' } },
    ])
  })

  // Copying tags requires permissions on both objects, without which S3 refuses the whole copy.
  it('does not request the tags of the object', async () => {
    const { client, sent } = stubClient<S3Client>([{}])

    await copyObject(client, { ...COPY, sourceBucketName: 'slides', sizeBytes: 10 })

    expect(sent).toMatchObject([
      { input: { CopySource: 'slides/uploads/%C3%A4%20b', TaggingDirective: 'REPLACE' } },
    ])
    expect(sent[0]?.input).not.toHaveProperty('Tagging')
  })

  it('is made in ranges for a large object', async () => {
    const answers = ['a', 'b', 'c'].map((ETag) => ({ CopyPartResult: { ETag } }))
    const { client, sent } = stubClient<S3Client>([{ UploadId: 'copy-1' }, ...answers, {}])

    await copyObject(client, COPY)

    expect(sent.map(({ input }) => input)).toMatchObject([
      { Bucket: 'bucket', Key: 'run/x' },
      { ...TARGET, PartNumber: 1, CopySourceRange: 'bytes=0-9', CopySourceIfMatch: '"v1"' },
      { ...TARGET, PartNumber: 2, CopySourceRange: 'bytes=10-19', CopySourceIfMatch: '"v1"' },
      { ...TARGET, PartNumber: 3, CopySourceRange: 'bytes=20-24', CopySourceIfMatch: '"v1"' },
      {
        ...TARGET,
        MultipartUpload: {
          Parts: [
            { PartNumber: 1, ETag: 'a' },
            { PartNumber: 2, ETag: 'b' },
            { PartNumber: 3, ETag: 'c' },
          ],
        },
      },
    ])
  })

  it('has the digest that S3 computes for a small object', async () => {
    const ChecksumSHA256 = createHash('sha256').update('0123456789').digest('base64')
    const { client, sent } = stubClient<S3Client>([{ CopyObjectResult: { ChecksumSHA256 } }])

    const digest = await copyObject(client, { ...COPY, sizeBytes: 10 })

    expect(sent).toMatchObject([{ input: { ChecksumAlgorithm: 'SHA256' } }])
    expect(digest).toBe(digestOf('0123456789'))
  })

  it('has a digest of the digests that S3 computes for its ranges', async () => {
    const digests = ['a', 'b', 'c'].map((text) => createHash('sha256').update(text).digest())
    const answers = digests.map((bytes) => ({
      CopyPartResult: { ETag: 'e', ChecksumSHA256: bytes.toString('base64') },
    }))
    const { client, sent } = stubClient<S3Client>([{ UploadId: 'copy-1' }, ...answers, {}])

    const digest = await copyObject(client, COPY)

    expect(digest).toBe(`sha256-10:${createHash('sha256').update(Buffer.concat(digests)).digest('hex')}`)
    expect(sent[0]?.input).toMatchObject({ ChecksumAlgorithm: 'SHA256' })
    expect(sent.at(-1)?.input).toMatchObject({
      MultipartUpload: {
        Parts: digests.map((bytes, index) => ({
          PartNumber: index + 1,
          ChecksumSHA256: bytes.toString('base64'),
        })),
      },
    })
  })

  it.each([
    ['S3 returns no checksum', {}],
    ['the checksum is composite', { ChecksumSHA256: `${'A'.repeat(43)}=`, ChecksumType: 'COMPOSITE' }],
    ['the checksum has the suffix of a composite one', { ChecksumSHA256: `${'A'.repeat(43)}=-2` }],
  ])('has no digest when %s', async (_, CopyObjectResult) => {
    const { client } = stubClient<S3Client>([{ CopyObjectResult }])

    expect(await copyObject(client, { ...COPY, sizeBytes: 10 })).toBeUndefined()
  })

  it('has no digest when S3 returns none for a range', async () => {
    const answers = ['a', 'b', 'c'].map((ETag) => ({ CopyPartResult: { ETag } }))
    const { client } = stubClient<S3Client>([{ UploadId: 'copy-1' }, ...answers, {}])

    expect(await copyObject(client, COPY)).toBeUndefined()
  })

  it('requests no digest for an object that would take too long', async () => {
    const sizeBytes = 17 * 1024 ** 3
    const answers = [{ UploadId: 'copy-1' }, { CopyPartResult: { ETag: 'a' } }, {}]
    const { client, sent } = stubClient<S3Client>(answers)

    expect(await copyObject(client, { ...COPY, sizeBytes, rangeBytes: sizeBytes - 1 })).toBeUndefined()

    expect(sent[0]?.input).not.toHaveProperty('ChecksumAlgorithm')
  })

  it('starts no range after its time limit, and leaves no parts', async () => {
    const part = { CopyPartResult: { ETag: 'a' } }
    const { client, sent } = stubClient<S3Client>([{ UploadId: 'copy-1' }, part, {}])
    const isTimeUp = () => sent.some(({ name }) => name === 'UploadPartCopyCommand')

    await expect(copyObject(client, { ...COPY, isTimeUp })).rejects.toThrow(CopyStoppedError)

    expect(sent.map(({ name }) => name)).toEqual([
      'CreateMultipartUploadCommand',
      'UploadPartCopyCommand',
      'AbortMultipartUploadCommand',
    ])
  })

  it('leaves no parts, which would be billed, when it fails', async () => {
    const failure = new Error('one range failed')
    const part = { CopyPartResult: { ETag: 'a' } }
    const { client, sent } = stubClient<S3Client>([{ UploadId: 'copy-1' }, part, failure, part, {}])

    await expect(copyObject(client, COPY)).rejects.toBe(failure)

    expect(sent.at(-1)?.name).toBe('AbortMultipartUploadCommand')
  })
})

describe('URLs of parts', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it('contain no checksum, which would be that of an empty body', async () => {
    vi.stubEnv('AWS_REGION', 'eu-west-1')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    const parts = createS3PartStore({ client: createS3Client(), bucketName: 'bucket' })

    const url = new URL(await parts.presignPart('a/b', 'upload-1', 7, 900))

    expect([...url.searchParams.keys()].filter((name) => /checksum/iu.test(name))).toEqual([])
    expect(url.searchParams.get('X-Amz-SignedHeaders')).toBe('host')
    expect(url.searchParams.get('partNumber')).toBe('7')
    expect(url.searchParams.get('uploadId')).toBe('upload-1')
  })
})

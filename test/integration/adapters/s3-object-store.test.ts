import { Readable } from 'node:stream'
import { CreateBucketCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { createS3Client } from '../../../src/aws/clients.ts'
import { createS3ObjectStore } from '../../../src/aws/s3-object-store.ts'
import { describeObjectStore } from '../../contract/object-store.contract.ts'
import { uniqueName, useEmulator } from './emulator.ts'

useEmulator()
const client = createS3Client()
const PAGE_SIZE = 3
/** Minimum size of a part in S3. */
const COPY_RANGE_BYTES = 5 * 1024 * 1024

async function emptyBucket(): Promise<string> {
  const bucketName = uniqueName('adapters')
  await client.send(new CreateBucketCommand({ Bucket: bucketName }))
  return bucketName
}

/** Whether the emulator computes checksums of copies; MiniStack, the default, does not. */
const isDigesting = !['ministack', undefined].includes(process.env.EMULATOR)

describeObjectStore('S3', { isServed: true, isDigesting }, async () => {
  const bucketName = await emptyBucket()
  const sizes = { pageSize: PAGE_SIZE, copyRangeBytes: COPY_RANGE_BYTES }
  return { objects: createS3ObjectStore({ client, bucketName, ...sizes }), ...sizes }
})

describe('S3 object store', () => {
  it('aborts the multipart upload of a stream that fails, since its parts would be billed', async () => {
    const bucketName = await emptyBucket()
    const objects = createS3ObjectStore({ client, bucketName })
    async function* broken() {
      for (let part = 0; part < 3; part += 1) yield Buffer.alloc(17 * 1024 * 1024)
      throw new Error('the source broke')
    }

    await expect(objects.write('a', Readable.from(broken()))).rejects.toThrow('the source broke')

    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucketName }))
    expect(Uploads ?? []).toEqual([])
  })
})

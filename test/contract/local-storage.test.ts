import { randomUUID } from 'node:crypto'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { afterAll } from 'vitest'
import { createS3ObjectStore } from '../../src/aws/s3-object-store.ts'
import { createS3PartStore } from '../../src/aws/s3-part-store.ts'
import { startLocalStorage } from '../fixtures/local-storage.ts'
import { describeObjectStore } from './object-store.contract.ts'
import { describePartStore } from './part-store.contract.ts'

const storage = await startLocalStorage()
afterAll(() => storage.stop())
const { client } = storage
const PAGE_SIZE = 3
/** Minimum size of a part in S3, in bytes. */
const COPY_RANGE_BYTES = 5 * 1024 * 1024

async function emptyBucket(): Promise<string> {
  const bucketName = `bucket-${randomUUID()}`
  await client.send(new CreateBucketCommand({ Bucket: bucketName }))
  return bucketName
}

describeObjectStore('local storage', { isServed: true, isDigesting: true }, async () => {
  const bucketName = await emptyBucket()
  const sizes = { pageSize: PAGE_SIZE, copyRangeBytes: COPY_RANGE_BYTES }
  return { objects: createS3ObjectStore({ client, bucketName, ...sizes }), ...sizes }
})

describePartStore('local storage', async () => {
  const bucketName = await emptyBucket()
  return {
    parts: createS3PartStore({ client, bucketName, pageSize: PAGE_SIZE }),
    objects: createS3ObjectStore({ client, bucketName }),
    pageSize: PAGE_SIZE,
    send: (url, bytes) => fetch(url, { method: 'PUT', body: new Uint8Array(bytes) }),
  }
})

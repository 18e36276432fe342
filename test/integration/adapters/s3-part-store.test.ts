import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { createS3Client } from '../../../src/aws/clients.ts'
import { createS3ObjectStore } from '../../../src/aws/s3-object-store.ts'
import { createS3PartStore } from '../../../src/aws/s3-part-store.ts'
import { describePartStore } from '../../contract/part-store.contract.ts'
import { uniqueName, useEmulator } from './emulator.ts'

useEmulator()
const client = createS3Client()
const PAGE_SIZE = 3

describePartStore('S3', async () => {
  const bucketName = uniqueName('adapters')
  await client.send(new CreateBucketCommand({ Bucket: bucketName }))
  return {
    parts: createS3PartStore({ client, bucketName, pageSize: PAGE_SIZE }),
    objects: createS3ObjectStore({ client, bucketName }),
    pageSize: PAGE_SIZE,
    send: (url, bytes) => fetch(url, { method: 'PUT', body: new Uint8Array(bytes) }),
  }
})

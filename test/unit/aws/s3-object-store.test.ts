import { S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createS3Client } from '../../../src/aws/clients.ts'
import { createS3ObjectStore } from '../../../src/aws/s3-object-store.ts'
import { stubClient } from './stub-client.ts'

type Objects = ReturnType<typeof createS3ObjectStore>

const REFUSED = new S3ServiceException({
  name: 'AccessDenied',
  $fault: 'client',
  message: 'Access Denied',
  $metadata: { httpStatusCode: 403 },
})

function aStore(script: readonly unknown[]) {
  const { client, sent } = stubClient<S3Client>(script)
  return { objects: createS3ObjectStore({ client, bucketName: 'bucket' }), sent }
}

describe('S3 object store', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it('distinguishes a missing permission from a missing object', async () => {
    const { objects } = aStore([REFUSED])

    await expect(objects.read('a')).rejects.toBe(REFUSED)
    await expect(objects.size('a')).rejects.toBe(REFUSED)
  })

  const forbidden = { Contents: [{ Key: 'a' }] }
  it.each([
    ['read', (objects: Objects) => objects.read('a')],
    ['size', (objects: Objects) => objects.size('a')],
    ['copy', (objects: Objects) => objects.copy('a', 'b')],
  ])('determines by listing the key whether an object is missing or forbidden: %s', async (_, call) => {
    const missing = aStore([REFUSED, { Contents: [{ Key: 'a.geojson' }] }])
    const empty = aStore([REFUSED, {}])

    expect([await call(missing.objects), await call(empty.objects)]).toEqual([undefined, undefined])
    await expect(call(aStore([REFUSED, forbidden]).objects)).rejects.toBe(REFUSED)

    // Always with a prefix, because the functions' roles forbid other listings.
    expect(missing.sent[1]).toEqual({
      name: 'ListObjectsV2Command',
      input: { Bucket: 'bucket', Prefix: 'a', MaxKeys: 1 },
    })
  })

  it('fails when S3 removes only some objects', async () => {
    // The paginator requires a real client.
    const client = new S3Client({ region: 'eu-west-1' })
    const script = stubClient<S3Client>([
      { Contents: [{ Key: 'run/a', Size: 1 }] },
      { Errors: [{ Key: 'run/a', Code: 'InternalError' }] },
    ])
    client.send = script.client.send.bind(script.client)
    const objects = createS3ObjectStore({ client, bucketName: 'bucket' })

    await expect(objects.removeAll('run/')).rejects.toThrow('1 objects were not removed: run/a InternalError')
  })

  it('signs no checksum into the URL of a PUT, which would be that of an empty body', async () => {
    vi.stubEnv('AWS_REGION', 'eu-west-1')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    const objects = createS3ObjectStore({ client: createS3Client(), bucketName: 'bucket' })

    const url = new URL(await objects.presignWrite('a/b', 900))

    expect([...url.searchParams.keys()].filter((name) => /checksum/iu.test(name))).toEqual([])
    expect(url.searchParams.get('X-Amz-SignedHeaders')).toBe('host')
    expect(url.searchParams.get('X-Amz-Expires')).toBe('900')
  })
})

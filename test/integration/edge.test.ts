import { randomFillSync } from 'node:crypto'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { S3Client } from '@aws-sdk/client-s3'
import { describe, expect, inject, it } from 'vitest'
import { createS3ObjectStore } from '../../src/aws/s3-object-store.ts'
import { PREFIXES } from '../../src/contract/storage-keys.ts'
import { PART_BYTES } from '../../src/contract/upload-limits.ts'
import { aBundle, aDescriptorText, dockerArchive, packTar, packZip } from '../fixtures/bundle-builder.ts'
import { callOk } from './engine-client.ts'

const NAMESPACE = 'com.example.edge'
const MIB = 1024 * 1024

interface Answer {
  readonly status: number
  readonly text: string
}

/** One part of a multipart body. */
interface Part {
  readonly name: string
  readonly fileName: string
  readonly bytes: Buffer
}

/** Sends a multipart body as core does: chunked and without a length. */
async function sendMultipart(method: string, path: string, parts: readonly Part[]): Promise<Answer> {
  const boundary = 'core-boundary'
  function* body(): Generator<Buffer> {
    for (const { name, fileName, bytes } of parts) {
      const disposition = `form-data; name="${name}"; filename="${fileName}"`
      yield Buffer.from(`--${boundary}\r\nContent-Disposition: ${disposition}\r\n\r\n`)
      for (let at = 0; at < bytes.length; at += 64 * 1024) yield bytes.subarray(at, at + 64 * 1024)
      yield Buffer.from('\r\n')
    }
    yield Buffer.from(`--${boundary}--\r\n`)
  }
  const outgoing = request(new URL(path, inject('baseUrl')), {
    method,
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  })
  const answered = Promise.withResolvers<Answer>()
  outgoing.on('error', answered.reject)
  outgoing.on('response', async (response) => {
    const chunks: Buffer[] = []
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
    answered.resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') })
  })
  await pipeline(Readable.from(body()), outgoing)
  return answered.promise
}

/** Builds a bundle whose image has one layer of random bytes, which cannot be compressed. */
async function aLargeBundle(version: string, sizeBytes: number): Promise<Buffer> {
  const layer = await packTar([{ name: 'data', body: randomFillSync(Buffer.alloc(sizeBytes)) }])
  const descriptor = aDescriptorText({ namespace: NAMESPACE, version })
  const entries = await aBundle({ descriptor, image: await dockerArchive({ layers: [layer] }) })
  return packZip(entries, { compress: false })
}

async function uploadKeys(): Promise<readonly string[]> {
  const client = new S3Client({
    endpoint: inject('storageUrl'),
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  const objects = createS3ObjectStore({ client, bucketName: inject('bucketName') })
  return (await Array.fromAsync(objects.list(PREFIXES.uploads))).map(({ key }) => key)
}

describe('a body that is larger than the limit of the API', () => {
  it('is imported: a chunked multipart bundle of 300 MiB, as core sends it', async () => {
    const bundle = await aLargeBundle('1.0.0', 300 * MIB)

    const answer = await sendMultipart('POST', 'tasks', [
      { name: 'task', fileName: '1b3c.tmp', bytes: bundle },
    ])
    expect(answer.status, answer.text).toBe(200)
    expect(JSON.parse(answer.text)).toMatchObject({ namespace: NAMESPACE, version: '1.0.0' })
    await callOk('DELETE', `tasks/${NAMESPACE}/1.0.0`)
  })

  it('is refused if it is invalid, with a reason, and leaves nothing in the bucket', async () => {
    const before = await uploadKeys()
    const bytes = randomFillSync(Buffer.alloc(2 * PART_BYTES))

    const { status, text } = await sendMultipart('POST', 'tasks', [{ name: 'task', fileName: 'x', bytes }])

    expect(status).toBe(400)
    expect(JSON.parse(text)).toMatchObject({ details: { description: expect.stringContaining('zip') } })
    expect(await uploadKeys()).toEqual(before)
  })
})

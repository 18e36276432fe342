import type { IncomingMessage } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PartUrls } from '../../../src/contract/staging.ts'
import { type Content, upload, uploadInParts } from '../../../stager/upload.ts'
import { closeWebServers } from '../../fixtures/web-server.ts'
import { aFakeBucket, answerWith, FAST, type FakeBucket, SIGNATURE, someBytes } from './fake-bucket.ts'

let bucket: FakeBucket

beforeEach(async () => {
  bucket = await aFakeBucket()
})
afterEach(closeWebServers)

const contentOf = (bytes: Buffer): Content => ({ sizeBytes: bytes.length, open: () => [bytes] })
const send = (bytes: Buffer) => upload('sum', contentOf(bytes), bucket.link('/sum'), FAST)

describe('an upload', () => {
  it('is one PUT with a Content-Length', async () => {
    const bytes = someBytes(2000)

    await send(bytes)

    expect(bucket.stored.get('/sum')?.equals(bytes)).toBe(true)
    expect(bucket.requests).toEqual(['PUT /sum'])
  })

  it('is retried when the stored bytes were damaged', async () => {
    bucket.faults.push((request, response) => {
      request.resume()
      response.writeHead(200, { etag: `"${'0'.repeat(32)}"` }).end()
      return 'handled'
    })

    await send(someBytes(10))

    expect(bucket.requests).toHaveLength(2)
    expect(bucket.stored.get('/sum')).toHaveLength(10)
  })

  it('is not compared with an ETag that is not an MD5', async () => {
    bucket.faults.push((request, response) => {
      request.resume()
      const encrypted = { 'x-amz-server-side-encryption': 'aws:kms', etag: `"${'0'.repeat(32)}"` }
      response.writeHead(200, encrypted).end()
      return 'handled'
    })

    await send(someBytes(10))

    expect(bucket.requests).toHaveLength(1)
  })

  it('is retried when the connection breaks or the server is busy', async () => {
    const breakOff = (request: IncomingMessage) => {
      request.destroy()
      return 'handled' as const
    }
    bucket.faults.push(breakOff, answerWith(503, 'SlowDown'))

    await send(someBytes(200_000))

    expect(bucket.stored.get('/sum')).toHaveLength(200_000)
  })

  it('requests a new URL when its own has expired', async () => {
    const link = bucket.link('/sum')
    bucket.expire()

    await upload('sum', contentOf(someBytes(500_000)), link, FAST)

    expect(bucket.stored.get('/sum')).toHaveLength(500_000)
    expect(bucket.renewals()).toBe(1)
  })

  it('fails without the signature in its message', async () => {
    bucket.faults.push(answerWith(400, 'EntityTooLarge'))

    const failure = await send(someBytes(10)).catch((error: Error) => error)

    expect(String(failure)).toContain('uploading sum: HTTP 400 EntityTooLarge')
    expect(String(failure)).not.toContain(SIGNATURE)
  })
})

describe('an upload in parts', () => {
  const output = { jobAttempt: 2, name: 'masks' }

  /** The API with a record of its calls. */
  function anApi() {
    const asked: unknown[] = []
    return {
      asked,
      beginParts: async (begun: object) => {
        asked.push(begun)
        return { multipartId: 'id' }
      },
      partUrls: async (parts: PartUrls) => {
        asked.push(parts)
        return Array.from({ length: parts.count }, (_, i) => bucket.url(`/part-${parts.first + i}`))
      },
      completeParts: async (completed: object) => void asked.push(completed),
    }
  }
  const partsOf = (count: number): Content[] =>
    Array.from({ length: count }, (_, i) => contentOf(someBytes(1000).fill(i, 0, 1)))

  it('requests URLs for 100 parts at a time, and completes the upload', async () => {
    const api = anApi()

    await uploadInParts(api, { ...output, sizeBytes: 120_000 }, partsOf(120), FAST)

    expect(api.asked).toEqual([
      output,
      { ...output, multipartId: 'id', first: 1, count: 100 },
      { ...output, multipartId: 'id', first: 101, count: 20 },
      { ...output, multipartId: 'id', sizeBytes: 120_000 },
    ])
    expect([1, 2, 120].map((number) => bucket.stored.get(`/part-${number}`)?.[0])).toEqual([0, 1, 119])
    expect(bucket.stored.size).toBe(120)
  })

  it('retries only a part that failed', async () => {
    bucket.faults.push(answerWith(503, 'SlowDown'))

    await uploadInParts(anApi(), { ...output, sizeBytes: 3000 }, partsOf(3), FAST)

    expect(bucket.stored.size).toBe(3)
    expect(bucket.requests).toHaveLength(4)
  })

  it('is not completed when a part cannot be uploaded', async () => {
    const api = anApi()
    bucket.faults.push(answerWith(400, 'NoSuchUpload'))

    await expect(uploadInParts(api, { ...output, sizeBytes: 9000 }, partsOf(9), FAST)).rejects.toThrow(
      'of masks: HTTP 400 NoSuchUpload',
    )

    expect(api.asked).toHaveLength(2)
    expect(bucket.requests.length).toBeLessThan(9)
  })
})

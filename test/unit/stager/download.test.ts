import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { download } from '../../../stager/download.ts'
import { closeWebServers } from '../../fixtures/web-server.ts'
import {
  aFakeBucket,
  answerWith,
  cutAfter,
  FAST,
  type FakeBucket,
  SIGNATURE,
  someBytes,
} from './fake-bucket.ts'

const BYTES = someBytes(5500)

let bucket: FakeBucket
let path: string

beforeEach(async () => {
  bucket = await aFakeBucket()
  bucket.stored.set('/image', BYTES)
  path = join(await mkdtemp(join(tmpdir(), 'download-')), 'image')
})
afterEach(closeWebServers)

const bring = (sizeBytes = BYTES.length) =>
  download({ name: 'image', link: bucket.link('/image'), sizeBytes }, path, FAST)

describe('a download', () => {
  it('is made in ranges', async () => {
    await bring()

    expect((await readFile(path)).equals(BYTES)).toBe(true)
    expect([...bucket.requests].sort()).toEqual(
      ['0-999', '1000-1999', '2000-2999', '3000-3999', '4000-4999', '5000-5499'].map(
        (range) => `GET /image bytes=${range}`,
      ),
    )
  })

  it('resumes after a broken connection', async () => {
    bucket.faults.push(cutAfter(400))

    await bring()

    expect((await readFile(path)).equals(BYTES)).toBe(true)
    expect(bucket.requests).toContain('GET /image bytes=400-999')
  })

  it.each([503, 429, 500])('is retried after HTTP %i', async (status) => {
    bucket.faults.push(answerWith(status, 'SlowDown'), answerWith(status, 'SlowDown'))

    await bring()

    expect((await readFile(path)).equals(BYTES)).toBe(true)
  })

  it('requests new URLs once when the URLs of several ranges have expired', async () => {
    const link = bucket.link('/image')
    bucket.expire()

    await download({ name: 'image', link, sizeBytes: BYTES.length }, path, FAST)

    expect((await readFile(path)).equals(BYTES)).toBe(true)
    expect(bucket.renewals()).toBe(1)
  })

  it('sends no request for an empty object', async () => {
    await bring(0)

    expect((await readFile(path)).length).toBe(0)
    expect(bucket.requests).toEqual([])
  })

  it('fails when the object does not have the announced size', async () => {
    await expect(bring(5000)).rejects.toThrow('downloading image: it has 5500 bytes instead of 5000')
  })

  it('fails when its bytes differ from the stored ones', async () => {
    bucket.faults.push((_, response) => {
      const end = response.end.bind(response)
      response.end = ((body: Buffer) => end(Buffer.from(body).fill(7, 10, 20))) as never
      return undefined
    })

    await expect(bring()).rejects.toThrow('image: its checksum differs from that of the stored object')
  })

  it('fails at once when the object does not exist', async () => {
    bucket.stored.clear()

    await expect(bring(100)).rejects.toThrow('downloading image: HTTP 404 NoSuchKey')

    expect(bucket.requests).toHaveLength(1)
  })

  it('fails without the signature in its message when new URLs are refused too', async () => {
    bucket.faults.push(...Array.from({ length: 100 }, () => answerWith(403, 'AccessDenied')))

    const failure = await bring(100).catch((error: Error) => error)

    expect(String(failure)).toContain('downloading image: HTTP 403 AccessDenied')
    expect(String(failure)).not.toContain(SIGNATURE)
    expect(bucket.requests).toHaveLength(FAST.attempts)
  })

  it('does not replace an existing file', async () => {
    await writeFile(path, 'other')

    await expect(bring()).rejects.toThrow('EEXIST')

    expect(await readFile(path, 'utf8')).toBe('other')
  })
})

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type LocalStorage, startLocalStorage } from '../../../fixtures/local-storage.ts'

const Bucket = 'bucket'
const OCTETS = { 'content-type': 'application/octet-stream' }
let registry: Server
let storage: LocalStorage

beforeAll(async () => {
  // Replaces the emulator: a registry with one repository that accepts any manifest.
  registry = createServer((request, response) => {
    const isKnown = request.url?.startsWith('/v2/known/') === true
    request.resume().once('end', () => response.writeHead(isKnown ? 201 : 404).end())
  }).listen(0, '127.0.0.1')
  await once(registry, 'listening')
})
afterAll(() => void registry.close())
beforeEach(async () => {
  storage = await startLocalStorage(`http://127.0.0.1:${(registry.address() as AddressInfo).port}`)
  await storage.client.send(new CreateBucketCommand({ Bucket }))
})
afterEach(() => storage.stop())

const dataFiles = (): Promise<string[]> => readdir(join(storage.folder, 'data'))

async function read(Key: string): Promise<string> {
  const { Body } = await storage.client.send(new GetObjectCommand({ Bucket, Key }))
  return text(Body as AsyncIterable<Uint8Array> & NodeJS.ReadableStream)
}

describe('objects', () => {
  it('survive a restart', async () => {
    await storage.client.send(
      new PutObjectCommand({ Bucket, Key: 'a/é', Body: 'text', ContentType: 'text/plain' }),
    )

    await storage.restart()

    const { ContentType } = await storage.client.send(new GetObjectCommand({ Bucket, Key: 'a/é' }))
    expect([await read('a/é'), ContentType]).toEqual(['text', 'text/plain'])
  })

  it('have no file on disk after they were replaced or removed', async () => {
    for (const Body of ['first', 'second']) {
      await storage.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body }))
    }
    expect(await dataFiles()).toHaveLength(1)

    await storage.client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }))

    expect(await dataFiles()).toEqual([])
  })

  it('have one event each, and none for a restart', async () => {
    await storage.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'text' }))
    await vi.waitFor(() => expect(storage.events).toHaveLength(1))

    await storage.restart()

    expect(storage.events).toMatchObject([
      {
        source: 'aws.s3',
        'detail-type': 'Object Created',
        detail: { bucket: { name: Bucket }, object: { key: 'a', size: 4 } },
      },
    ])
  })

  it('are stored without the chunk encoding and trailing checksums of the SDKs', async () => {
    const pieces = [
      '10000;chunk-signature=0\r\n',
      'x'.repeat(0x10000),
      '\r\n3\r\n',
      'end',
      '\r\n0\r\n',
      'x-amz-checksum-crc32:AAAA\r\n\r\n',
    ]

    const answer = await fetch(`${storage.url}/${Bucket}/a`, {
      method: 'PUT',
      body: pieces.join(''),
      headers: {
        'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'x-amz-decoded-content-length': String(0x10003),
        'content-encoding': 'aws-chunked',
      },
    })

    expect([answer.status, await read('a')]).toEqual([200, `${'x'.repeat(0x10000)}end`])
  })

  it('are refused with a wrong checksum', async () => {
    const put = new PutObjectCommand({
      Bucket,
      Key: 'a',
      Body: 'text',
      ContentMD5: createHash('md5').update('test').digest('base64'),
    })

    await expect(storage.client.send(put)).rejects.toMatchObject({ name: 'BadDigest' })
    expect(await dataFiles()).toEqual([])
  })

  it.each(['if-match', 'if-none-match'])('are returned depending on %s', async (header) => {
    const { ETag = '' } = await storage.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'text' }))
    const url = await getSignedUrl(storage.client, new GetObjectCommand({ Bucket, Key: 'a' }))

    const same = await fetch(url, { headers: { [header]: ETag } })
    const other = await fetch(url, { headers: { [header]: '"0"' } })

    expect([same.status, other.status]).toEqual(header === 'if-match' ? [200, 412] : [304, 200])
  })

  it('are not returned for an expired URL', async () => {
    const signingDate = new Date(Date.now() - 61_000)
    const url = await getSignedUrl(storage.client, new PutObjectCommand({ Bucket, Key: 'a' }), {
      expiresIn: 60,
      signingDate,
    })

    expect((await fetch(url, { method: 'PUT', body: 'text' })).status).toBe(403)
    expect(await dataFiles()).toEqual([])
  })

  it('cannot be written by a page of another site', async () => {
    const answer = await fetch(`${storage.url}/${Bucket}/a`, {
      method: 'PUT',
      body: 'text',
      headers: { origin: 'http://evil.example' },
    })

    expect(answer.status).toBe(403)
  })

  it('cannot be deleted by a page with a forged signature in its URL', async () => {
    await storage.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'text' }))

    const answer = await fetch(`${storage.url}/${Bucket}?delete&X-Amz-Signature=x`, {
      method: 'POST',
      body: '<Delete><Object><Key>a</Key></Object></Delete>',
      headers: { origin: 'http://evil.example', 'content-type': 'text/plain' },
    })

    expect(answer.status).toBe(403)
    expect(await read('a')).toBe('text')
  })

  it('cannot be read under another host name that resolves to this machine', async () => {
    await storage.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'text' }))
    const { port } = new URL(storage.url)

    const outgoing = request({
      host: '127.0.0.1',
      port,
      path: `/${Bucket}/a`,
      headers: { host: `evil.example:${port}` },
    })
    const [answer] = (await once(outgoing.end(), 'response')) as [IncomingMessage]

    expect(answer.statusCode).toBe(403)
    expect(await text(answer)).not.toContain('text')
  })

  it('are read by a browser through a redirect from another origin', async () => {
    await storage.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'text' }))

    const answer = await fetch(`${storage.url}/${Bucket}/a`, { headers: { 'sec-fetch-site': 'cross-site' } })

    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, null])
  })
})

describe('files of a killed process', () => {
  it('are removed at the next start', async () => {
    await storage.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'text' }))
    await writeFile(join(storage.folder, 'data', 'unfinished'), 'half')

    await storage.restart()

    expect(await dataFiles()).toHaveLength(1)
    expect(await read('a')).toBe('text')
  })
})

describe('multipart uploads', () => {
  it('list a marker on their last page, as on AWS', async () => {
    const upload = { Bucket, Key: 'a', UploadId: await startUpload('a') }
    await storage.client.send(new UploadPartCommand({ ...upload, PartNumber: 7, Body: 'text' }))

    const page = await storage.client.send(new ListPartsCommand(upload))

    expect(page).toMatchObject({ IsTruncated: false, NextPartNumberMarker: '7' })
  })

  it.each([
    ['an unknown part', [{ PartNumber: 2, ETag: '"0"' }], 'InvalidPart'],
    ['another entity tag', [{ PartNumber: 1, ETag: '"0"' }], 'InvalidPart'],
  ])('cannot be completed with %s', async (_, Parts, name) => {
    const upload = { Bucket, Key: 'a', UploadId: await startUpload('a') }
    await storage.client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'text' }))

    const complete = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } })

    await expect(storage.client.send(complete)).rejects.toMatchObject({ name })
  })
})

describe('blobs of images', () => {
  const blob = Buffer.from('layer')
  const digest = `sha256:${createHash('sha256').update(blob).digest('hex')}`

  async function begin(repository = 'known'): Promise<URL> {
    const answer = await fetch(`${storage.url}/v2/${repository}/blobs/uploads/`, { method: 'POST' })
    expect(answer.status).toBe(202)
    return new URL(answer.headers.get('location') ?? '', storage.url)
  }
  async function push(): Promise<Response> {
    const url = await begin()
    await fetch(url, { method: 'PATCH', headers: OCTETS, body: blob.subarray(0, 2) })
    await fetch(url, { method: 'PATCH', headers: OCTETS, body: blob.subarray(2) })
    url.searchParams.set('digest', digest)
    return fetch(url, { method: 'PUT' })
  }

  it('are assembled from chunks and survive a restart', async () => {
    expect((await push()).status).toBe(201)
    await storage.restart()

    // The first request fails if its connection to the former server is reused.
    const get = () => fetch(`${storage.url}/v2/known/blobs/${digest}`, { headers: { range: 'bytes=1-' } })
    const range = await get().catch(get)

    expect([range.status, await range.text()]).toEqual([206, 'ayer'])
  })

  it('are refused under another digest', async () => {
    const url = await begin()
    url.searchParams.set('digest', `sha256:${'0'.repeat(64)}`)

    const answer = await fetch(url, { method: 'PUT', body: blob })

    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { errors: [{ code: 'DIGEST_INVALID' }] },
    ])
    expect(await dataFiles()).toEqual([])
  })

  it('are refused for a missing repository', async () => {
    const answer = await fetch(`${storage.url}/v2/unknown/blobs/uploads/`, { method: 'POST' })

    expect(answer.status).toBe(404)
  })

  it('must exist before a manifest refers to them', async () => {
    const manifest = JSON.stringify({ layers: [{ digest }] })
    const put = () => fetch(`${storage.url}/v2/known/manifests/tag`, { method: 'PUT', body: manifest })
    expect((await put()).status).toBe(404)

    await push()

    expect((await put()).status).toBe(201)
  })

  it('are mounted from another repository without being sent', async () => {
    await push()

    const answer = await fetch(`${storage.url}/v2/known/other/blobs/uploads/?mount=${digest}`, {
      method: 'POST',
    })

    expect(answer.status).toBe(201)
    expect(await dataFiles()).toHaveLength(2)
  })
})

async function startUpload(Key: string): Promise<string> {
  const { UploadId = '' } = await storage.client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  return UploadId
}

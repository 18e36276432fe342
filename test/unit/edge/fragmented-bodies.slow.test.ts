import { once } from 'node:events'
import { Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BoundedRequest, FRAGMENTED } from '../../../edge/bounded-request.ts'
import { FREE_PIECES, MIN_PIECE_BYTES } from '../../../edge/limits.ts'
import { createEdgeServer } from '../../../edge/server.ts'
import { aForm, aService, BOUNDARY, type FakeService, portOf } from './fake-service.ts'
import { sendRaw } from './strict-upstream.ts'

const MIB = 1024 * 1024
/** Maximum number of bytes that Node reads from a socket at once. */
const READ_BYTES = 64 * 1024

const INPUT = '/app-engine/v1/task-runs/10f8/input-provisions/image'

/** A service whose edge reports how many bytes it has read from its clients. */
async function aMeteredService() {
  const service = await aService()
  const sockets = new Set<Socket>()
  const server = createEdgeServer((request, response) => {
    sockets.add(request.socket)
    service.edge.listener(request, response)
  })
  const bytesRead = (): number => [...sockets].reduce((sum, socket) => sum + socket.bytesRead, 0)
  return { service, port: await portOf(server), bytesRead }
}

const head = (start: string, type = 'application/json'): string =>
  `${start} HTTP/1.1\r\nHost: edge\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`

function chunked(bytes: Buffer, sizeOf: (at: number) => number): string {
  const chunks: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const chunk = bytes.subarray(at, at + sizeOf(chunks.length))
    chunks.push(`${chunk.length.toString(16)}\r\n${chunk.toString('latin1')}\r\n`)
    at += chunk.length
  }
  return `${chunks.join('')}0\r\n\r\n`
}

const ONE_BYTE_CHUNKS = '1\r\nx\r\n'.repeat(2 * MIB)
const isWhole = (answered: string): boolean => /\r\n\r\n.+/su.test(answered)

describe('a body of tiny chunks', () => {
  it.each([
    { name: 'an input', start: `POST ${INPUT}` },
    {
      name: 'a bundle',
      start: 'POST /app-engine/v1/tasks',
      type: `multipart/form-data; boundary=${BOUNDARY}`,
    },
    { name: 'a body that is forwarded', start: 'POST /app-engine/v1/stores' },
    { name: 'a body that is discarded', start: 'DELETE /app-engine/v1/tasks/10f8' },
    { name: 'a health check', start: 'GET /edge/health' },
  ])('is refused before a second read of the socket: $name', async ({ start, type }) => {
    const { port, bytesRead } = await aMeteredService()

    const answered = await sendRaw(port, head(start, type) + ONE_BYTE_CHUNKS, () => false)

    expect(answered).toMatch(/^HTTP\/1\.1 400 .*Connection: close/isu)
    expect(JSON.parse(answered.split('\r\n\r\n')[1] ?? '')).toMatchObject({
      errorCode: 'APPE-internal-server-error',
      message: expect.stringContaining('larger chunks'),
      details: { type: 'empty' },
    })
    expect(bytesRead()).toBeLessThanOrEqual(2 * READ_BYTES)
  })

  it('is also refused after several megabytes, and its upload is discarded', async () => {
    const { service, port, bytesRead } = await aMeteredService()
    const form = aForm([{ fileName: 'filename="a"', content: Buffer.alloc(6 * MIB, 7) }])
    const begin = chunked(form.subarray(0, 5 * MIB), () => 8192).replace(/0\r\n\r\n$/u, '')
    const type = `multipart/form-data; boundary=${BOUNDARY}`

    const answered = await sendRaw(port, head(`POST ${INPUT}`, type) + begin + ONE_BYTE_CHUNKS, () => false)
    await service.edge.settled()

    expect(answered).toMatch(/^HTTP\/1\.1 400 /u)
    expect(bytesRead()).toBeLessThanOrEqual(begin.length + 2 * READ_BYTES)
    expect(service.left()).toEqual([])
  })

  it('has its connection closed when its request was refused for another reason', async () => {
    const { port, bytesRead } = await aMeteredService()
    const start = head('POST /app-engine/v1/tasks%2Fa')

    const answered = await sendRaw(port, start + ONE_BYTE_CHUNKS, () => false)

    expect(answered).toMatch(/^(?:HTTP\/1\.1 404 .*)?$/su)
    expect(bytesRead()).toBeLessThanOrEqual(2 * READ_BYTES)
  })
})

describe('chunks of ordinary clients', () => {
  const LARGE = aForm([{ fileName: 'filename="a"', content: Buffer.alloc(6 * MIB, 7) }])
  const MULTIPART = `multipart/form-data; boundary=${BOUNDARY}`

  async function send(service: FakeService, type: string, body: string): Promise<string> {
    return sendRaw(service.port, head(`POST ${INPUT}`, type) + body, isWhole)
  }

  it.each([
    { name: '8 KiB', sizeOf: () => 8192 },
    { name: '2 KiB', sizeOf: () => 2048 },
    { name: 'small ones between larger ones', sizeOf: (at: number) => (at % 2 === 0 ? 1 : 300) },
  ])('can carry a large upload: $name', async ({ sizeOf }) => {
    const service = await aService()

    const answered = await send(service, MULTIPART, chunked(LARGE, sizeOf))

    expect(answered).toMatch(/^HTTP\/1\.1 200 /u)
    expect(service.stored().map(({ length }) => length)).toEqual([6 * MIB])
  })

  it('may be of one byte in a short body', async () => {
    const service = await aService()
    const document = Buffer.from(JSON.stringify({ param_name: 'image', value: 'x'.repeat(900) }))

    const answered = await send(
      service,
      'application/json',
      chunked(document, () => 1),
    )

    expect(answered).toMatch(/^HTTP\/1\.1 200 /u)
    expect(service.calls[0]?.body.equals(document)).toBe(true)
  })
})

describe('a request of bounded pieces', () => {
  const pieces = (size: number, count: number): Buffer[] =>
    Array.from({ length: count }, () => Buffer.alloc(size))

  it('keeps no piece beyond the limit, and reports that once', async () => {
    const request = new BoundedRequest(new Socket())
    let reports = 0
    request.on(FRAGMENTED, () => {
      reports += 1
    })

    for (const piece of pieces(1, 100_000)) request.push(piece)

    expect(reports).toBe(1)
    expect(request.readableLength).toBeLessThanOrEqual(
      (FREE_PIECES * MIN_PIECE_BYTES) / (MIN_PIECE_BYTES - 1),
    )
  })

  it('accepts any number of pieces of the minimum average size', () => {
    const request = new BoundedRequest(new Socket())
    onTestFinished(() => void request.destroy())

    for (const piece of pieces(MIN_PIECE_BYTES, 100_000)) request.push(piece)

    expect(request.readableLength).toBe(MIN_PIECE_BYTES * 100_000)
  })

  it('is destroyed without a listener', async () => {
    const request = new BoundedRequest(new Socket())
    const closed = once(request, 'close')

    for (const piece of pieces(1, 10_000)) request.push(piece)

    await closed
    expect(request.destroyed).toBe(true)
  })
})

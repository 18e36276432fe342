import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { limitConnections } from '../../../edge/connection-limit.ts'
import { answerFailure, OverloadedError } from '../../../edge/failures.ts'
import { FREE_BYTES } from '../../../edge/limits.ts'
import { PARTS_HELD } from '../../../edge/send-parts.ts'
import { createEdgeServer } from '../../../edge/server.ts'
import { aForm, aService, BOUNDARY, listen, portOf, send } from './fake-service.ts'

const MIB = 1024 * 1024
const PROVISION = 'task-runs/10f8/input-provisions/image'
const LARGE = aForm([{ fileName: 'filename="a"', content: Buffer.alloc(6 * MIB, 7) }])

interface Client {
  readonly socket: Socket
  readonly answered: () => string
}

/** A client that sends these bytes and then stalls. */
function aClient(port: number, bytes: Buffer | string): Client {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  let answered = ''
  socket
    .on('error', () => undefined)
    .on('data', (chunk: string) => {
      answered += chunk
    })
  socket.write(bytes)
  onTestFinished(() => void socket.destroy())
  return { socket, answered: () => answered }
}

/** Clock of the edge, set by the test; timers stay real. */
function aClock() {
  const real = performance.now.bind(performance)
  let aheadMs = 0
  const now = vi.spyOn(performance, 'now').mockImplementation(() => real() + aheadMs)
  onTestFinished(() => now.mockRestore())
  return {
    advance(ms: number) {
      aheadMs += ms
    },
    /** Resolves when the clock has been read again. */
    async nextLook() {
      now.mockClear()
      await vi.waitFor(() => expect(now).toHaveBeenCalled())
    },
  }
}

/** Resolves when the connection was closed or reset. */
const closeOf = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('close', resolve))

const head = (framing: string, path = PROVISION): string =>
  `POST /app-engine/v1/${path} HTTP/1.1\r\nHost: edge\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\n${framing}\r\n\r\n`
const PROMISE = head('Content-Length: 15000000000')
const chunk = (size: number): Buffer =>
  Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), Buffer.alloc(size, 1), Buffer.from('\r\n')])
/** The start of a body above the API's limit, which needs an upload slot. */
const half = (): Buffer => Buffer.concat([Buffer.from(PROMISE), LARGE.subarray(0, 5 * MIB)])

describe('clients that stall', () => {
  it('cannot occupy an upload slot by announcing gigabytes', async () => {
    const service = await aService({ uploadsAtOnce: 1 })
    const stalled = Array.from({ length: 50 }, () => aClient(service.port, `${PROMISE}--${BOUNDARY}\r\n`))
    await Promise.all(stalled.map(({ socket }) => once(socket, 'connect')))

    const { status } = await send(service.port, PROVISION, LARGE)

    expect(status).toBe(200)
    expect(service.stored()).toHaveLength(1)
    expect(stalled.filter((client) => client.answered() !== '')).toEqual([])
  })

  it('lose their memory to clients with small bodies, and get an error', async () => {
    const service = await aService({ uploadsAtOnce: 1 })
    const body = Buffer.concat([Buffer.from(head('Transfer-Encoding: chunked')), chunk(2 * FREE_BYTES)])
    // 128 of them would use the whole first budget, of which one client's share is half.
    const stalled = Array.from({ length: 300 }, () => aClient(service.port, body))
    await Promise.all(stalled.map(({ socket }) => once(socket, 'connect')))

    const answers = await Promise.all([
      send(service.port, PROVISION, Buffer.alloc(100_000, 1), {
        headers: { 'content-type': 'application/json' },
      }),
      send(service.port, PROVISION, LARGE),
    ])

    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    const told = stalled.map((client) => client.answered()).filter((answered) => answered !== '')
    expect(told.length).toBeGreaterThan(0)
    for (const answered of told) expect(answered).toMatch(/^HTTP\/1\.1 408 .*Connection: close.*APPE-/ims)
  })

  it('lose their slot to a waiting upload, and leave no upload', async () => {
    const service = await aService({ uploadsAtOnce: 1 })
    const stalled = aClient(service.port, half())
    await vi.waitFor(() => expect(service.uploads.size).toBe(1))

    const { status } = await send(service.port, PROVISION, LARGE)
    await service.edge.settled()

    expect(status).toBe(200)
    expect(stalled.answered()).toMatch(/^HTTP\/1\.1 408 /u)
    expect(service.stored()).toHaveLength(1)
    expect(service.left()).toEqual([])
  })

  it.each([
    { name: 'a small body', bytes: head('Content-Length: 100') },
    { name: 'a body that is discarded', bytes: head('Content-Length: 100').replace('POST', 'DELETE') },
    { name: 'a large body', bytes: half() },
    { name: 'a body that is streamed', bytes: half().toString('latin1').replace(PROVISION, 'unknown') },
  ])('are aborted after the idle time: $name', async ({ bytes }) => {
    const service = await aService({ ratePeriodMs: 100 })
    const stalled = aClient(service.port, Buffer.from(bytes as string, 'latin1'))

    await once(stalled.socket, 'end')

    expect(stalled.answered()).toMatch(/^HTTP\/1\.1 408 /u)
    const [, body = ''] = stalled.answered().split('\r\n\r\n')
    expect(JSON.parse(body)).toMatchObject({
      errorCode: 'APPE-internal-server-error',
      details: { type: 'server' },
    })
    await service.edge.settled()
    expect(service.left()).toEqual([])
  })

  it('are aborted even if a byte arrives occasionally', async () => {
    const service = await aService({ ratePeriodMs: 400 })
    const slow = aClient(service.port, head('Content-Length: 100000'))
    const dripping = setInterval(() => slow.socket.write('x'), 20)
    onTestFinished(() => clearInterval(dripping))

    await once(slow.socket, 'end')

    expect(slow.answered()).toMatch(/^HTTP\/1\.1 408 /u)
  })

  it('do not include clients that wait for S3', async () => {
    const { promise: opened, resolve: open } = Promise.withResolvers<number>()
    const onPart = vi.fn(() => opened)
    const service = await aService({ uploadsAtOnce: 1, ratePeriodMs: 100, partSizeBytes: MIB, onPart })
    const arriving = Promise.withResolvers<IncomingMessage>()
    const server = createEdgeServer((request, response) => {
      arriving.resolve(request)
      service.edge.listener(request, response)
    })
    const clock = aClock()
    const body = aForm([{ fileName: 'filename="a"', content: Buffer.alloc(12 * MIB, 7) }])
    const upload = send(await portOf(server), PROVISION, body)
    const request = await arriving.promise
    // No byte of the body moves from now on.
    await vi.waitFor(() => {
      expect(onPart).toHaveBeenCalledTimes(PARTS_HELD)
      expect(request.readableLength).toBeGreaterThan(0)
    })

    clock.advance(60_000)
    await clock.nextLook()
    open(200)

    expect((await upload).status).toBe(200)
  })
})

describe('a request that gets no memory in time', () => {
  it('gets 503 with Retry-After', async () => {
    const port = await listen((_, response) => answerFailure(response, new OverloadedError()))

    const answer = await fetch(`http://127.0.0.1:${port}/`)

    expect(answer.status).toBe(503)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await answer.json()).toMatchObject({
      errorCode: 'APPE-internal-server-error',
      message: expect.stringContaining('Try again'),
      details: { type: 'server' },
    })
  })
})

describe('the limit of connections', () => {
  async function aServer(ratePeriodMs = 60_000, answer = 'ok') {
    const warn = vi.fn()
    const server = createServer((request, response) => {
      if (request.url === '/held') return
      response.end(answer)
    })
    const cutOff = new Promise((resolve) => {
      server.once('connection', (socket: Socket) => socket.once('close', resolve))
    })
    limitConnections(server, { maxConnections: 5, ratePeriodMs, warn })
    return { port: await portOf(server), warn, cutOff }
  }
  const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

  it('replaces the connection without progress for longest, never one that awaits its response', async () => {
    const { port, warn } = await aServer()
    const held = aClient(port, GET.replace('/', '/held'))
    const stalled = Array.from({ length: 4 }, () => aClient(port, 'GET / HTTP/1.1\r\nHost'))
    const closed = stalled.map(({ socket }) => closeOf(socket))

    // New connections are refused until the others count as stalled.
    const answered = await vi.waitUntil(
      async () => {
        const client = aClient(port, GET)
        await Promise.race([
          new Promise((resolve) => client.socket.once('data', resolve)),
          closeOf(client.socket),
        ])
        return client.answered()
      },
      { timeout: 4000 },
    )

    expect(answered).toMatch(/^HTTP\/1\.1 200 /u)
    await Promise.race(closed)
    expect(held.socket.readyState).toBe('open')
    expect(warn).toHaveBeenCalledTimes(1)
  })

  it('closes the connection of a client that does not read the response', async () => {
    const { port, cutOff } = await aServer(200, 'x'.repeat(64 * MIB))
    const { socket } = aClient(port, GET)
    socket.pause()
    const gone = closeOf(socket)
    await cutOff
    socket.resume()

    await gone

    expect(socket.bytesRead).toBeLessThan(64 * MIB)
  })

  it('closes a connection with endless requests', async () => {
    const { port } = await aServer()
    const { socket } = aClient(port, GET.replace('/', '/held').repeat(50))

    await closeOf(socket)

    expect(socket.destroyed).toBe(true)
  })
})

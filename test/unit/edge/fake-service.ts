import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { createEdge, type Edge } from '../../../edge/edge.ts'
import { createEdgeServer } from '../../../edge/server.ts'

/** A call that the API received. */
export interface SeenCall {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** State of an upload in the fake API and bucket. */
export interface FakeUpload {
  readonly id: string
  readonly description: {
    readonly purpose: string
    readonly fileName?: string
    readonly contentType?: string
  }
  readonly parts: Map<number, Buffer>
  state: 'CREATED' | 'READY' | 'DISCARDED'
}

/** A part that is being sent. */
export interface PartPut {
  readonly partNumber: number
  /** Number of the attempt for this part, from 1. */
  readonly attempt: number
  /** Number of the request for URLs that returned this URL, from 1. */
  readonly generation: number
}

export interface FakeServiceOptions {
  readonly uploadsAtOnce?: number
  readonly ratePeriodMs?: number
  readonly eventTimes?: NonNullable<Parameters<typeof createEdge>[0]['eventTimes']>
  readonly partSizeBytes?: number
  /** Returns the status of a part: 200 accepts it, 0 breaks the connection. The body is read when a promise resolves. */
  readonly onPart?: (put: PartPut) => number | Promise<number>
  /** Answers calls that do not concern uploads; default: `ok` as JSON. */
  readonly onCall?: (call: SeenCall, response: ServerResponse) => void
  /** Returns true if it has answered a call of the uploads resource in place of the fake. */
  readonly onUploads?: (call: SeenCall, response: ServerResponse) => boolean
}

export interface FakeService {
  readonly port: number
  readonly edge: Edge
  /** JSON documents, one for each log entry. */
  readonly log: string[]
  readonly calls: SeenCall[]
  readonly uploads: Map<string, FakeUpload>
  /** Contents of completed uploads. */
  stored(): Buffer[]
  /** Uploads that were neither completed nor discarded. */
  left(): FakeUpload[]
}

export function listen(listener: RequestListener): Promise<number> {
  return portOf(createServer(listener))
}

/**
 * Starts the production server with this edge.
 * @returns its port
 */
export function listenAsEdge({ listener }: Edge): Promise<number> {
  return portOf(createEdgeServer(listener))
}

/**
 * Starts a server for one test.
 * @returns its port
 */
export async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** An edge before a fake API with a fake bucket. */
export async function aService(options: FakeServiceOptions = {}): Promise<FakeService> {
  const uploads = new Map<string, FakeUpload>()
  const calls: SeenCall[] = []
  const attempts = new Map<string, number>()
  let generation = 0
  let apiPort = 0

  async function putPart(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '', 'http://fake')
    const [, , id = '', number = ''] = url.pathname.split('/')
    const key = `${id}/${number}`
    const attempt = (attempts.get(key) ?? 0) + 1
    attempts.set(key, attempt)
    const put = { partNumber: Number(number), attempt, generation: Number(url.searchParams.get('signed')) }
    const status = await (options.onPart?.(put) ?? 200)
    if (status === 0) {
      response.destroy()
      return
    }
    const bytes = await buffer(incoming)
    if (status === 200) uploads.get(id)?.parts.set(put.partNumber, bytes)
    response.writeHead(status).end()
  }

  function answerUploads(call: SeenCall, response: ServerResponse): void {
    const [, id = '', verb] = /\/uploads\/?([^/]*)\/?(.*)$/u.exec(call.url) ?? []
    const body = call.body.length === 0 ? {} : JSON.parse(call.body.toString())
    if (call.method === 'DELETE') {
      const upload = uploads.get(id)
      if (upload !== undefined) upload.state = 'DISCARDED'
      response.end()
    } else if (verb === 'part-urls') {
      generation += 1
      const numbers = Array.from({ length: body.last - body.first + 1 }, (_, index) => body.first + index)
      const parts = numbers.map((partNumber: number) => ({
        partNumber,
        url: `http://127.0.0.1:${apiPort}/s3/${id}/${partNumber}?signed=${generation}`,
      }))
      response.end(JSON.stringify({ expiresAt: '2026-01-01T00:00:00Z', parts }))
    } else if (verb === 'complete') {
      const upload = uploads.get(id)
      if (upload !== undefined) upload.state = 'READY'
      response.end(JSON.stringify({ id, state: 'READY' }))
    } else {
      const upload = { id: randomUUID(), description: body, parts: new Map(), state: 'CREATED' } as const
      uploads.set(upload.id, { ...upload })
      const partSizeBytes = options.partSizeBytes ?? 1024 * 1024
      response.end(JSON.stringify({ id: upload.id, state: 'CREATED', partSizeBytes }))
    }
  }

  apiPort = await listen(async (incoming, response) => {
    if (incoming.url?.startsWith('/s3/')) {
      // The edge aborted the request.
      await putPart(incoming, response).catch(() => response.destroy())
      return
    }
    const { method = '', url = '', headers } = incoming
    const body = await buffer(incoming).catch(() => undefined)
    // The edge aborted the request.
    if (body === undefined) return
    const call = { method, url, headers, body }
    calls.push(call)
    if (url.startsWith('/base/app-engine/v1/uploads')) {
      if (!options.onUploads?.(call, response)) answerUploads(call, response)
    } else if (options.onCall === undefined) response.end(JSON.stringify({ ok: true }))
    else options.onCall(call, response)
  })

  const log: string[] = []
  const apiUrl = new URL(`http://127.0.0.1:${apiPort}/base/`)
  const edge = createEdge({
    apiUrl,
    uploadsAtOnce: options.uploadsAtOnce ?? 4,
    log: (entry) => log.push(JSON.stringify(entry)),
    pausesMs: [1, 1, 1],
    ...(options.ratePeriodMs !== undefined && { ratePeriodMs: options.ratePeriodMs }),
    ...(options.eventTimes && { eventTimes: options.eventTimes }),
  })
  const contentOf = ({ parts }: FakeUpload): Buffer =>
    Buffer.concat([...parts].toSorted(([one], [other]) => one - other).map(([, bytes]) => bytes))
  return {
    port: await listenAsEdge(edge),
    edge,
    log,
    calls,
    uploads,
    stored: () =>
      [...uploads.values()].filter(({ state }) => state === 'READY').map((upload) => contentOf(upload)),
    left: () => [...uploads.values()].filter(({ state }) => state === 'CREATED'),
  }
}

/** A part of a multipart body. */
export interface FormPart {
  readonly name?: string
  /** The whole parameter with its quotes; undefined for a form field. */
  readonly fileName?: string
  readonly content: Buffer | string
}

export const BOUNDARY = 'k9Xg-_boundary.of.core'

/** A multipart body as core writes it. */
export function aForm(parts: readonly FormPart[], { preamble = '', epilogue = '' } = {}): Buffer {
  const pieces = parts.flatMap(({ name = 'file', fileName, content }) => [
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${fileName === undefined ? '' : `; ${fileName}`}\r\n`,
    fileName === undefined ? '\r\n' : 'Content-Type: application/octet-stream\r\n\r\n',
    content,
    '\r\n',
  ])
  return Buffer.concat(
    [preamble, ...pieces, `--${BOUNDARY}--\r\n`, epilogue].map((piece) => Buffer.from(piece)),
  )
}

export interface SendOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Starts a request of core, which is chunked unless its length is given. */
export function begin(port: number, path: string, { method = 'POST', headers = {} }: SendOptions = {}) {
  const outgoing = request({
    host: '127.0.0.1',
    port,
    path: `/app-engine/v1/${path}`,
    method,
    headers: {
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      ...('content-length' in headers ? {} : { 'transfer-encoding': 'chunked' }),
      ...headers,
    },
  })
  // The response and the end of the test may come before everything is sent.
  outgoing.on('error', () => undefined)
  return outgoing
}

export interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Sends a whole body and waits for the response. */
export async function send(
  port: number,
  path: string,
  body: Buffer,
  options: SendOptions = {},
): Promise<Answer> {
  const outgoing = begin(port, path, options).end(body)
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
}

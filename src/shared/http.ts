import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from 'node:http'
import { request as requestHttps } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/*
 * Requests over node:http. Node's `fetch` keeps a copy of a streamed body until the request ends, and sends it without Content-Length,
 * which S3 requires.
 */

/** Statuses that name another address in `Location`. */
export const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]

/** Maximum length of a body that {@link exchange} returns: errors are short. */
const MAX_BODY_BYTES = 64 * 1024

/** Starts a request; the caller sends the body. `timeout` bounds the connection and each pause in which no byte moves. */
export function startRequest(url: URL, options: RequestOptions): ClientRequest {
  const request = url.protocol === 'https:' ? requestHttps(url, options) : requestHttp(url, options)
  const { timeout } = options
  if (timeout === undefined) return request
  return request.on('timeout', () => request.destroy(new Error(`no byte moved for ${timeout / 1000} s`)))
}

/** Resolves with the head of the response. A failure after it reaches the reader of the body. */
export function responseTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve)
    request.on('error', reject)
    // A request that is destroyed before it has a connection emits no error.
    request.once('close', () => reject(new Error('the request was closed')))
  })
}

/** A whole response. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** At most its first 64 KiB. */
  readonly body: Buffer
}

/**
 * Sends a body and reads the response, which may come before all of the body is sent. A failure of the body's source closes the
 * request.
 */
export async function exchange(
  request: ClientRequest,
  body?: Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<HttpAnswer> {
  const answered = responseTo(request)
  let sent = Promise.resolve()
  if (body === undefined || body instanceof Uint8Array) request.end(body)
  // `pipeline` would never end. The signal of the request was aborted before.
  else if (request.destroyed) close(body)
  else sent = pipeline(body, request).catch(() => void request.destroy())
  try {
    const response = await answered
    const { statusCode: status = 500, headers } = response
    return { status, headers, body: await startOfBody(response) }
  } finally {
    // The server refused the rest of the body.
    if (!request.writableFinished) request.destroy()
    await sent
  }
}

function close(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): void {
  if (body instanceof Readable) body.destroy()
}

/** Reads the first bytes of a body, and ends the connection when there are more. */
export async function startOfBody(response: IncomingMessage, maxBytes = MAX_BODY_BYTES): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    sizeBytes += chunk.length
    if (sizeBytes > maxBytes) break
  }
  return Buffer.concat(chunks).subarray(0, maxBytes)
}

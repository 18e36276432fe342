import {
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from 'node:http'
import { request as requestHttps } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StatusError } from './retry.ts'

/*
 * Requests to presigned URLs. Not fetch: S3 wants a length beforehand, which fetch does not send with a stream.
 */

/** Of an error's text; its code stands near the start. */
const ERROR_TEXT_BYTES = 4096

/**
 * The answer to a GET, its body unread.
 * @throws StatusError
 */
export async function getFrom(
  url: string,
  headers: Readonly<Record<string, string>>,
  silenceMs: number,
): Promise<IncomingMessage> {
  const request = open(url, { method: 'GET', headers, timeout: silenceMs })
  const answer = answerTo(request)
  request.end()
  return requireSuccess(await answer)
}

/**
 * Headers of the answer to a PUT of these bytes.
 * @throws StatusError
 */
export async function putTo(
  url: string,
  { sizeBytes, bytes }: { readonly sizeBytes: number; readonly bytes: AsyncIterable<Uint8Array> },
  silenceMs: number,
): Promise<IncomingMessage['headers']> {
  const headers = { 'content-length': String(sizeBytes) }
  const request = open(url, { method: 'PUT', headers, timeout: silenceMs })
  const answer = answerTo(request)
  // A refusal may come before all is sent: the answer tells, and so does a failure of the bytes, which ends the request.
  pipeline(Readable.from(bytes), request).catch(() => undefined)
  try {
    const response = await requireSuccess(await answer)
    response.resume()
    return response.headers
  } catch (error) {
    request.destroy()
    throw error
  }
}

function open(url: string, options: RequestOptions): ClientRequest {
  const request = url.startsWith('https:') ? requestHttps(url, options) : requestHttp(url, options)
  const seconds = (options.timeout ?? 0) / 1000
  return request.on('timeout', () => request.destroy(new Error(`no answer for ${seconds} s`)))
}

function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('response', resolve)
    // Also after the answer: then its reader meets the failure.
    request.on('error', reject)
  })
}

async function requireSuccess(response: IncomingMessage): Promise<IncomingMessage> {
  const { statusCode = 500 } = response
  if (statusCode >= 200 && statusCode < 300) return response
  const text = await startOf(response).catch(() => '')
  throw new StatusError(statusCode, /<Code>(\w{1,100})<\/Code>/u.exec(text)?.[1])
}

async function startOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response) {
    chunks.push(chunk as Buffer)
    length += (chunk as Buffer).length
    if (length > ERROR_TEXT_BYTES) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

import type { IncomingMessage } from 'node:http'
import { exchange, responseTo, startOfBody, startRequest } from '../src/shared/http.ts'
import { StatusError } from './retry.ts'

/* Requests to presigned URLs. */

/** Bytes of an error body to read; its code is near the start. */
const ERROR_TEXT_BYTES = 4096

/**
 * Returns the response to a GET, its body unread.
 * @throws StatusError
 */
export async function getFrom(
  url: string,
  headers: Readonly<Record<string, string>>,
  silenceMs: number,
): Promise<IncomingMessage> {
  const request = startRequest(new URL(url), { headers, timeout: silenceMs })
  const response = await responseTo(request.end())
  const { statusCode = 500 } = response
  if (isSuccess(statusCode)) return response
  throw refusal(statusCode, await startOfBody(response, ERROR_TEXT_BYTES).catch(() => Buffer.alloc(0)))
}

/**
 * Sends bytes by PUT and returns the headers of the response.
 * @throws StatusError
 */
export async function putTo(
  url: string,
  { sizeBytes, bytes }: { readonly sizeBytes: number; readonly bytes: AsyncIterable<Uint8Array> },
  silenceMs: number,
): Promise<IncomingMessage['headers']> {
  const headers = { 'content-length': String(sizeBytes) }
  const request = startRequest(new URL(url), { method: 'PUT', headers, timeout: silenceMs })
  const { status, headers: answered, body } = await exchange(request, bytes)
  if (isSuccess(status)) return answered
  throw refusal(status, body)
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

function refusal(status: number, body: Buffer): StatusError {
  return new StatusError(status, /<Code>(\w{1,100})<\/Code>/u.exec(body.toString())?.[1])
}

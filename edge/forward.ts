import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { responseTo } from '../src/shared/http.ts'
import type { Api } from './api.ts'
import type { Exchange } from './exchange.ts'
import { GatewayRefusal, UnreachableError } from './failures.ts'
import { clientHeaders, endToEndHeaders } from './headers.ts'

export interface ForwardOptions {
  /** Body to send: bytes already read, none, or the request's own stream. */
  readonly body: Buffer | 'none' | 'stream'
  /** Whether the API may receive the request twice. */
  readonly isRepeatable: boolean
  /** Sends `Prefer: respond-async` (RFC 7240): the caller polls after a 202. */
  readonly isPolled: boolean
}

/**
 * Forwards a request to the API. Redirects are not followed, and no reference to the body remains after the response.
 * @returns the response with its body unread
 * @throws UnreachableError when the API does not answer, or refuses the edge
 */
export async function forward(
  api: Api,
  { request, response, controller: { signal } }: Exchange,
  { body, isRepeatable, isPolled }: ForwardOptions,
): Promise<IncomingMessage> {
  const prepare = (): Promise<() => ClientRequest> => {
    const prefer = isPolled ? ['prefer', 'respond-async'] : []
    // Gateways with binary media types decode by Accept, which core's downloads do not send.
    const accept = request.headers.accept === undefined ? ['accept', '*/*'] : []
    const own = [...accept, ...framingOf(request, body), ...prefer]
    const headers = [...clientHeaders(request.rawHeaders), ...own]
    const { url: path = '/' } = request
    return api.prepare({
      method: methodOf(request),
      path,
      headers,
      signal,
      ...(typeof body === 'object' && { body }),
    })
  }
  let outgoing = (await prepare())()
  // An aborted body destroys the outgoing request, whose error is handled below.
  if (body === 'stream') pipeline(request, outgoing).catch(() => undefined)
  else outgoing.end(bytesOf(body))
  const answer = await responseTo(outgoing)
    .catch(async (error: unknown) => {
      if (!outgoing.reusedSocket || !isRepeatable || response.destroyed) throw error
      // The API closed a keep-alive connection while it was being reused.
      outgoing = (await prepare())().end(bytesOf(body))
      return responseTo(outgoing)
    })
    .catch((error: unknown) => {
      throw new UnreachableError('API', error)
    })
  const refusal = gatewayRefusal(answer)
  if (refusal !== undefined) {
    answer.resume()
    throw new UnreachableError('API', refusal)
  }
  return answer
}

/**
 * API Gateway's ANY excludes TRACE, which it refuses with 403. The API answers OPTIONS as it would answer TRACE: 405
 * with `Allow`.
 */
function methodOf({ method = 'GET' }: IncomingMessage): string {
  return method === 'TRACE' ? 'OPTIONS' : method
}

/**
 * Frames every body. Node adds no framing to GET, HEAD, DELETE and OPTIONS, so that the body would be parsed as the next request on
 * the connection.
 */
function framingOf(request: IncomingMessage, body: ForwardOptions['body']): string[] {
  if (body === 'none') return takesBody(request) ? ['content-length', '0'] : []
  if (body !== 'stream') return ['content-length', String(body.length)]
  const { 'content-length': lengthBytes } = request.headers
  return lengthBytes === undefined ? ['transfer-encoding', 'chunked'] : ['content-length', lengthBytes]
}

function bytesOf(body: ForwardOptions['body']): Buffer | undefined {
  return typeof body === 'object' ? body : undefined
}

/** Whether the edge forwards the body of a request with this method; any other body is discarded. */
export function takesBody({ method }: IncomingMessage): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH'
}

/**
 * Detects that API Gateway refused the edge: wrong signature, missing permission, wrong network. The client must not
 * see the body, which names the edge's role. The API's function cannot set this header.
 */
function gatewayRefusal(answer: IncomingMessage): Error | undefined {
  const kind = answer.headers['x-amzn-errortype']
  return answer.statusCode === 403 && kind !== undefined
    ? new GatewayRefusal(String(kind), answer)
    : undefined
}

/** Sends a response of the API to the client. */
export async function sendAnswer(answer: IncomingMessage, response: ServerResponse): Promise<void> {
  // The function sends an empty type with an empty response (lambdas/api/gateway-event.ts).
  const dropped = answer.headers['content-type'] === '' ? ['content-type'] : []
  // API Gateway sends the length of an empty body for HEAD, unless the function sets it. RFC 9110, 8.6 allows omitting the
  // length, but not a wrong one.
  if (response.req.method === 'HEAD' && answer.headers['content-length'] === '0')
    dropped.push('content-length')
  const headers = endToEndHeaders(answer.rawHeaders, dropped)
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', headers)
  // The status is already sent: a failure can only abort the connection.
  await pipeline(answer, response).catch(() => response.destroy())
}

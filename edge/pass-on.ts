import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Api } from './api.ts'
import { answerTo } from './connections.ts'
import type { Exchange } from './exchange.ts'
import { GatewayRefusal, UnreachableError } from './failures.ts'
import { clientHeaders, endToEndHeaders } from './headers.ts'

export interface AskOptions {
  /** What is sent as the body: bytes that were read already, none, or the request's own stream. */
  readonly body: Buffer | 'none' | 'stream'
  /** Whether the API may get the request twice. */
  readonly isRepeatable: boolean
  /** RFC 7240: whether an answer may come before the work is done, because the caller follows it. */
  readonly isFollowed: boolean
}

/**
 * Passes a request on to the API. Nothing is kept, nothing is followed; the body is not referred to any more when the answer
 * is there.
 * @returns the answer, with its body still to be read.
 * @throws UnreachableError when the API could not be asked
 */
export async function ask(
  api: Api,
  { request, response, controller: { signal } }: Exchange,
  { body, isRepeatable, isFollowed }: AskOptions,
): Promise<IncomingMessage> {
  const prepare = (): Promise<() => ClientRequest> => {
    const patience = isFollowed ? ['prefer', 'respond-async'] : []
    // Gateways that have binary media types decode by Accept, and core's downloads send none.
    const accept = request.headers.accept === undefined ? ['accept', '*/*'] : []
    const own = [...accept, ...framingOf(request, body), ...patience]
    const headers = [...clientHeaders(request.rawHeaders), ...own]
    const { method = 'GET', url: path = '/' } = request
    return api.prepare({ method, path, headers, signal, ...(typeof body === 'object' && { body }) })
  }
  let outgoing = (await prepare())()
  // A body that breaks off destroys the outgoing request, whose own error is reported below.
  if (body === 'stream') pipeline(request, outgoing).catch(() => undefined)
  else outgoing.end(bytesOf(body))
  const answer = await answerTo(outgoing)
    .catch(async (error: unknown) => {
      if (!outgoing.reusedSocket || !isRepeatable || response.destroyed) throw error
      // The API closed an idle connection at the moment it was used again.
      outgoing = (await prepare())().end(bytesOf(body))
      return answerTo(outgoing)
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
 * One framing for every body, whatever the method: Node adds none by itself to GET, HEAD, DELETE and OPTIONS, whose bodies
 * would then begin the next request on the connection.
 */
function framingOf(request: IncomingMessage, body: AskOptions['body']): string[] {
  if (body === 'none') return takesBody(request) ? ['content-length', '0'] : []
  if (body !== 'stream') return ['content-length', String(body.length)]
  const { 'content-length': lengthBytes } = request.headers
  return lengthBytes === undefined ? ['transfer-encoding', 'chunked'] : ['content-length', lengthBytes]
}

function bytesOf(body: AskOptions['body']): Buffer | undefined {
  return typeof body === 'object' ? body : undefined
}

/** Whether a body means something with the request's method: no route of the contract reads one with any other. */
export function takesBody({ method }: IncomingMessage): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH'
}

/**
 * The gateway rejected the edge itself: a wrong signature, a missing permission, another network. That is no fault of the client,
 * who would learn the edge's role from the body. The function behind the gateway cannot set this header.
 */
function gatewayRefusal(answer: IncomingMessage): Error | undefined {
  const kind = answer.headers['x-amzn-errortype']
  return answer.statusCode === 403 && kind !== undefined
    ? new GatewayRefusal(String(kind), answer)
    : undefined
}

/** Gives the client an answer of the API as it is. */
export async function passBack(answer: IncomingMessage, response: ServerResponse): Promise<void> {
  // An empty answer has no type, for which the function can only send an empty one (lambdas/api/gateway-event.ts).
  const dropped = answer.headers['content-type'] === '' ? ['content-type'] : []
  // Gateways count the bytes of the empty answer. RFC 9110, 8.6 lets a server leave the length out, but not change it.
  if (response.req.method === 'HEAD') dropped.push('content-length')
  const headers = endToEndHeaders(answer.rawHeaders, dropped)
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', headers)
  // The status is out already, so a failure from here on can only cut the answer off.
  await pipeline(answer, response).catch(() => response.destroy())
}

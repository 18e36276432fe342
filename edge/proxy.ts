import * as http from 'node:http'
import * as https from 'node:https'
import { pipeline } from 'node:stream/promises'

/** Headers of one connection, which say nothing about the message: RFC 9110, 7.6.1. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Shorter than servers keep idle connections, so that a request seldom meets one that is being closed. */
const IDLE_CONNECTION_MS = 4000

/** The contract's body of a failure that is not the client's. */
const UNAVAILABLE = JSON.stringify({
  errorCode: 'APPE-internal-server-error',
  message: 'The App Engine API cannot be reached.',
  details: { type: 'server', exceptionMessage: null },
})

/**
 * Passes every request on to the API and its answer back, both as streams: nothing is kept, nothing is followed. The
 * request's path is appended to the API's own.
 */
export function createProxy(apiUrl: URL, warn: (text: string) => void): http.RequestListener {
  const transport = apiUrl.protocol === 'https:' ? https : http
  const agent = new transport.Agent({ keepAlive: true, timeout: IDLE_CONNECTION_MS })
  const basePath = apiUrl.pathname.replace(/\/+$/u, '')

  function send(request: http.IncomingMessage): http.ClientRequest {
    return transport.request({
      agent,
      hostname: apiUrl.hostname.replace(/^\[|\]$/gu, ''),
      port: apiUrl.port,
      method: request.method,
      path: basePath + request.url,
      headers: [...endToEndHeaders(request.rawHeaders, ['host', 'expect']), 'host', apiUrl.host],
    })
  }

  return (request, response) => {
    // An absolute URL would ask for a proxy to anywhere.
    if (!request.url?.startsWith('/')) {
      response.writeHead(400).end()
      return
    }
    const refuse = (error: unknown): void => {
      warn(`${request.method} ${request.url}: ${String(error)}`)
      answerUnavailable(response)
    }
    forward(request, response, send).catch(refuse)
  }
}

/** @throws Error when the API could not be asked; a connection that breaks later ends the client's as well. */
async function forward(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  send: (request: http.IncomingMessage) => http.ClientRequest,
): Promise<void> {
  let outgoing = send(request)
  response.once('close', () => {
    if (!response.writableFinished) outgoing.destroy()
  })
  // A body that breaks off destroys the outgoing request, whose own error is told below.
  pipeline(request, outgoing).catch(() => undefined)
  const answer = await answerTo(outgoing).catch((error: unknown) => {
    if (!outgoing.reusedSocket || hasBody(request) || response.destroyed) throw error
    // The API closed an idle connection at the moment it was used again.
    outgoing = send(request).end()
    return answerTo(outgoing)
  })
  const headers = endToEndHeaders(answer.rawHeaders, [])
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', headers)
  // The status is out already, so a failure from here on can only cut the answer off.
  await pipeline(answer, response).catch(() => response.destroy())
}

function answerTo(outgoing: http.ClientRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.on('error', reject)
  })
}

function hasBody({ headers }: http.IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** Name and value in turns, as Node has raw headers, without those of the connection. */
function endToEndHeaders(raw: readonly string[], dropped: readonly string[]): string[] {
  const pairs = raw.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : [],
  )
  const named = pairs
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.split(',').map((word) => word.trim().toLowerCase()))
  const isKept = (name: string): boolean =>
    !HOP_BY_HOP.has(name) && !named.includes(name) && !dropped.includes(name)
  return pairs.filter(([name]) => isKept(name.toLowerCase())).flat()
}

function answerUnavailable(response: http.ServerResponse): void {
  if (response.destroyed || response.headersSent) return
  response.writeHead(503, { 'content-type': 'application/json' }).end(UNAVAILABLE)
}

import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import type { Duplex } from 'node:stream'
import { BoundedRequest } from './bounded-request.ts'
import { BadRequestError, errorAnswerOf } from './failures.ts'

/** Parser errors with their own status, as in Node's default responses, which have no body. */
const PARSER_ERRORS: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The request line and headers are larger than 16 KiB.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The chunk extensions of the body are larger than 16 KiB.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request headers did not arrive in time.'],
}

/** HTTP server that limits the number of pieces of every body, and sends the contract's error body with every error. */
export function createEdgeServer(listener: RequestListener, options: ServerOptions = {}): Server {
  // The request listener refuses a request without Host, with the contract's error body.
  const bounded = { ...options, IncomingMessage: BoundedRequest, requireHostHeader: false }
  const server: Server = createServer(bounded, listener)
  const unfinished = new WeakMap<Duplex, Set<ServerResponse>>()
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const responses = unfinished.get(socket) ?? new Set()
    unfinished.set(socket, responses.add(response))
    response.once('close', () => responses.delete(response))
  })
  // The edge supports only 100-continue; RFC 9110, 10.1.1 lets a server ignore other expectations.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
  server.on('connect', (_request, socket: Duplex) => {
    refuseRaw(socket, new BadRequestError('The App Engine is not a proxy: CONNECT is not supported.'))
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const isAnswering = [...(unfinished.get(socket) ?? [])].some(({ headersSent }) => headersSent)
    // An error response within another response would be read as its content.
    if (isAnswering) socket.destroy()
    else refuseRaw(socket, parserErrorOf(error))
  })
  return server
}

function parserErrorOf({ code = '', message }: NodeJS.ErrnoException): BadRequestError {
  const reason = message.replace(/^Parse Error: /u, '')
  const [status, text] = PARSER_ERRORS[code] ?? [400, `The request is not valid HTTP/1.1: ${reason}.`]
  return new BadRequestError(text, status)
}

/** Answers on a connection whose input is not a valid request, and closes it. */
function refuseRaw(socket: Duplex, error: BadRequestError): void {
  socket.on('error', () => undefined)
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const { status, headers, text } = errorAnswerOf(error)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${text}`, () =>
    socket.destroy(),
  )
}

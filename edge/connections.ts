import * as http from 'node:http'
import * as https from 'node:https'

/** A request to the API or to S3. */
export interface Outgoing {
  readonly server: URL
  /** As it goes over the wire, with its query: a URL would tidy it. */
  readonly path: string
  readonly method: string
  /** Name and value in turns, without `host`. */
  readonly headers: readonly string[]
  readonly signal?: AbortSignal
}

/** Begins a request; its body is the caller's to send. */
export type Connect = (outgoing: Outgoing) => http.ClientRequest

/** Shorter than servers keep idle connections, so that a request seldom meets one that is being closed. */
const IDLE_CONNECTION_MS = 4000

/** Connections that are kept for the next request. */
export function createConnect(): Connect {
  const options = { keepAlive: true, timeout: IDLE_CONNECTION_MS }
  const plain = { request: http.request, agent: new http.Agent(options) }
  const secure = { request: https.request, agent: new https.Agent(options) }
  return ({ server, path, method, headers, signal }) => {
    const { request, agent } = server.protocol === 'https:' ? secure : plain
    return request({
      agent,
      hostname: server.hostname.replace(/^\[|\]$/gu, ''),
      port: server.port,
      method,
      path,
      headers: [...headers, 'host', server.host],
      ...(signal === undefined ? {} : { signal }),
    })
  }
}

/** The answer's head; its body is the caller's to read. */
export function answerTo(outgoing: http.ClientRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.on('error', reject)
  })
}

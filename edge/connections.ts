import * as http from 'node:http'
import * as https from 'node:https'

/** A request to the API or to S3. */
export interface Outgoing {
  readonly server: URL
  /** Path and query as sent; `URL` would normalize them. */
  readonly path: string
  readonly method: string
  /** Name, value, name, value, …; without `host`. */
  readonly headers: readonly string[]
  readonly signal?: AbortSignal
}

/** Starts a request; the caller sends the body. */
export type Connect = (outgoing: Outgoing) => http.ClientRequest

/** Shorter than the keep-alive time of API Gateway and S3, so that requests seldom use a connection that is being closed. */
const IDLE_CONNECTION_MS = 4000

/** Pools keep-alive connections. */
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

/** Resolves with the answer's head; the caller reads the body. */
export function answerTo(outgoing: http.ClientRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.on('error', reject)
  })
}

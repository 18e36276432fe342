import { type ClientRequest, Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { startRequest } from '../src/shared/http.ts'

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
export type Connect = (outgoing: Outgoing) => ClientRequest

/** Shorter than the keep-alive time of API Gateway and S3, so that requests seldom use a connection that is being closed. */
const IDLE_CONNECTION_MS = 4000

/** Pools keep-alive connections. */
export function createConnect(): Connect {
  const options = { keepAlive: true, timeout: IDLE_CONNECTION_MS }
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) }
  return ({ server, path, method, headers, signal }) =>
    startRequest(server, {
      agent: server.protocol === 'https:' ? agents.https : agents.http,
      method,
      path,
      headers: [...headers, 'host', server.host],
      ...(signal === undefined ? {} : { signal }),
    })
}

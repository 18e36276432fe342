import type { RequestListener } from 'node:http'
import { EDGE_HEALTH_PATH } from '../src/contract/environment.ts'
import type { KnownHosts } from '../src/shared/foreign-requests.ts'
import type { SignRequest } from '../src/signing/sign-request.ts'
import { createApi } from './api.ts'
import { createConnect } from './connections.ts'
import { createEvents, type EventsOptions } from './events/events.ts'
import { beginExchange } from './exchange.ts'
import { handleRequest, hasBody, type RequestDependencies } from './handle-request.ts'
import { createBodies } from './incoming-body.ts'
import { CLIENT_SHARE_PERCENT, EVENT_POLL_MS, HEARTBEAT_MS, RATE_PERIOD_MS } from './limits.ts'
import { refuseRequest } from './refuse-request.ts'
import { createRequestLog, type LogEntry } from './request-log.ts'
import { resolveAbsoluteForm } from './request-target.ts'
import { createUploads } from './uploads.ts'

export interface EdgeOptions {
  /** Base URL of the API, without the service's own prefix and version. */
  readonly apiUrl: URL
  /** Signs requests to the API, never to S3. Undefined where the API needs no credentials. */
  readonly sign?: SignRequest
  readonly log: (entry: LogEntry) => void
  /** Maximum number of concurrent uploads, of 64 MiB of memory each. */
  readonly uploadsAtOnce: number
  /** Percentage of each memory budget for all connections of one client. */
  readonly clientSharePercent?: number
  /** Whether client addresses are in `X-Forwarded-For`. */
  readonly isBehindLoadBalancer?: boolean
  /** Default: any. */
  readonly knownHosts?: KnownHosts
  /** Requests end with 408 when less than 1 KiB a second of a body arrives on average over this time. */
  readonly ratePeriodMs?: number
  /** Shorter in tests. */
  readonly eventTimes?: Pick<EventsOptions, 'pollMs' | 'heartbeatMs' | 'wait'>
  /** Pauses between retries of transient failures; shorter in tests. */
  readonly pausesMs?: readonly number[]
}

export interface Edge {
  readonly listener: RequestListener
  /** Ends the streams of live updates, whose clients reconnect, and refuses new ones. */
  endEvents(): void
  /** Resolves when all requests have ended and their failed uploads are discarded. */
  settled(): Promise<void>
}

/** Parts and the client's own request are retried for 16 s, calls of the uploads resource for 4 s. */
const PAUSES_MS = [250, 500, 1000, 2000, 4000, 8000]
const API_PAUSES = 4

/**
 * Forwards requests to the API. Bodies that are too large for the API become uploads while they arrive. Memory: at most
 * 64 MiB a body: two parts of 16 MiB, 4 MiB that were read ahead, and garbage (`npm run bench:edge`).
 */
export function createEdge({
  apiUrl,
  sign,
  log,
  uploadsAtOnce,
  clientSharePercent = CLIENT_SHARE_PERCENT,
  isBehindLoadBalancer = false,
  knownHosts = 'any',
  ratePeriodMs = RATE_PERIOD_MS,
  eventTimes = { pollMs: EVENT_POLL_MS, heartbeatMs: HEARTBEAT_MS },
  pausesMs = PAUSES_MS,
}: EdgeOptions): Edge {
  const connect = createConnect()
  const api = createApi(apiUrl, connect, sign)
  const working = new Set<Promise<void>>()
  const events = createEvents({ api, clientSharePercent, ...eventTimes })
  const deps: RequestDependencies = {
    api,
    uploads: createUploads(api, pausesMs.slice(0, API_PAUSES)),
    connect,
    pausesMs,
    events,
    openBody: createBodies({ uploadsAtOnce, clientSharePercent, ratePeriodMs }),
    isBehindLoadBalancer,
    knownHosts,
  }

  return {
    listener(request, response) {
      resolveAbsoluteForm(request)
      if (request.url === EDGE_HEALTH_PATH && !hasBody(request)) {
        response.writeHead(200, { 'content-type': 'text/plain' }).end('ok')
        return
      }
      const exchange = beginExchange(request, response, createRequestLog(request, log))
      const work = handleRequest(deps, exchange)
        .catch((error: unknown) => refuseRequest(exchange, error))
        .then(() => {
          working.delete(work)
        })
      working.add(work)
    },
    endEvents: events.end,
    async settled() {
      while (working.size > 0) await Promise.all(working)
    },
  }
}

import type { IncomingMessage, RequestListener } from 'node:http'
import { EDGE_HEALTH_PATH } from '../src/contract/environment.ts'
import { DomainError } from '../src/contract/errors.ts'
import { type KnownHosts, refuseForeign } from '../src/shared/foreign-requests.ts'
import type { SignRequest } from '../src/signing/sign-request.ts'
import { createApi } from './api.ts'
import { awaitImport } from './await-import.ts'
import { clientOf } from './client-address.ts'
import { createConnect } from './connections.ts'
import { beginExchange, type Exchange } from './exchange.ts'
import { answerFailure, ClientGoneError, FragmentedBodyError, StalledBodyError } from './failures.ts'
import { createBodies, type IncomingBody } from './incoming-body.ts'
import { CLIENT_SHARE_PERCENT, IDLE_MS, LINGER_MS, SIGNED_BODY_BYTES, SMALL_BODY_BYTES } from './limits.ts'
import { type AskOptions, ask, passBack, takesBody } from './pass-on.ts'
import { isMultipart } from './read-parts.ts'
import { createRequestLog, type LogEntry } from './request-log.ts'
import { checkTarget, isServerOptions, takeAbsoluteForm } from './request-target.ts'
import { findBodyRoute, hasEscapedSlash, isInstallation } from './routes.ts'
import { type TakeBodyDependencies, takeBody } from './take-body.ts'
import { createUploads } from './uploads.ts'

export interface EdgeOptions {
  /** Base URL of the API, without the service's own prefix and version. */
  readonly apiUrl: URL
  /** Signs what goes to the API, never what goes to S3; left out where the API asks nobody for credentials. */
  readonly sign?: SignRequest
  readonly log: (entry: LogEntry) => void
  /** Large bodies that are read at the same time: 64 MB of memory each. */
  readonly uploadsAtOnce: number
  /** Of the memory, for all connections of one client. */
  readonly clientSharePercent?: number
  /** Whether all clients come through a load balancer, which tells their addresses in `X-Forwarded-For`. */
  readonly isBehindLoadBalancer?: boolean
  /** Hosts that it answers for; any if left out. */
  readonly knownHosts?: KnownHosts
  /** A body that brings less than 1 KiB a second, over so long, is given up. */
  readonly idleMs?: number
  /** Pauses between the attempts of what fails for a passing reason; others in tests. */
  readonly pausesMs?: readonly number[]
}

/** The front door, to be put into a server. */
export interface Edge {
  readonly listener: RequestListener
  /** Resolves when nothing is being done any more, the discarding of broken uploads included. */
  settled(): Promise<void>
}

/** A part, and what the client asked for, are tried again for 16 s; calls about the upload for 4 s. */
const PAUSES_MS = [250, 500, 1000, 2000, 4000, 8000]
const API_PAUSES = 4

/** Of the contract's routes, and HEAD beside GET. */
const METHODS = 'GET, HEAD, POST, PUT, DELETE, OPTIONS'

/**
 * Passes requests on to the API, but for bodies that are too large for it: these become uploads while they arrive.
 * At most 64 MB of a body are in memory: 4 MiB that were read before it was known to be large, two parts of 16 MiB, and what was
 * read and is not yet collected (`npm run bench:edge`).
 */
export function createEdge({
  apiUrl,
  sign,
  log,
  uploadsAtOnce,
  clientSharePercent = CLIENT_SHARE_PERCENT,
  isBehindLoadBalancer = false,
  knownHosts = 'any',
  idleMs = IDLE_MS,
  pausesMs = PAUSES_MS,
}: EdgeOptions): Edge {
  const connect = createConnect()
  const api = createApi(apiUrl, connect, sign)
  const uploads = createUploads(api, pausesMs.slice(0, API_PAUSES))
  const openBody = createBodies({ uploadsAtOnce, clientSharePercent, idleMs })
  const working = new Set<Promise<void>>()
  const deps: TakeBodyDependencies = { api, uploads, connect, pausesMs, refuse }

  async function handle(exchange: Exchange): Promise<void> {
    const { request, controller } = exchange
    checkTarget(request)
    refuseForeignPages(request, knownHosts)
    if (hasEscapedSlash(request.url ?? '/')) throw new DomainError('ROUTE_NOT_FOUND')
    if (!hasBody(request)) return handleWithoutBody(exchange)
    const incoming = openBody(request, clientOf(request, isBehindLoadBalancer), controller)
    try {
      await handleBody(exchange, incoming)
    } finally {
      incoming.release()
    }
  }

  async function handleWithoutBody(exchange: Exchange): Promise<void> {
    if (isServerOptions(exchange.request)) {
      exchange.response.writeHead(200, { allow: METHODS, 'content-length': '0' }).end()
      return
    }
    await passOn(exchange, { body: 'none', isRepeatable: true })
  }

  async function handleBody(exchange: Exchange, incoming: IncomingBody): Promise<void> {
    const { request } = exchange
    if (!takesBody(request)) {
      await incoming.discard()
      return handleWithoutBody(exchange)
    }
    const route = findBodyRoute(request.method, request.url ?? '/')
    const isHeldWhole = route === undefined && api.isSigned
    if (isHeldWhole && Number(request.headers['content-length']) > SIGNED_BODY_BYTES) throw tooLarge()
    const answer = await askWith(exchange, incoming, isHeldWhole ? SIGNED_BODY_BYTES : SMALL_BODY_BYTES)
    if (answer !== undefined) return answerWith(exchange, answer)
    if (route !== undefined) return takeBody(deps, { route, incoming }, exchange)
    if (isHeldWhole) throw tooLarge()
    await incoming.takePlace()
    return passOn(exchange, { body: 'stream', isRepeatable: false })
  }

  /** A function of its own, so that nothing refers to the bytes while an import is waited for. */
  async function askWith(
    exchange: Exchange,
    incoming: IncomingBody,
    limitBytes: number,
  ): Promise<IncomingMessage | undefined> {
    const { request } = exchange
    const body = await incoming.readAhead(limitBytes)
    if (body === undefined) return undefined
    const isRepeatable = findBodyRoute(request.method, request.url ?? '/')?.isRepeatable ?? false
    try {
      return await ask(api, exchange, { body, isRepeatable, isFollowed: isFollowed(request) })
    } finally {
      incoming.release()
    }
  }

  async function passOn(exchange: Exchange, options: Omit<AskOptions, 'isFollowed'>): Promise<void> {
    const answer = await ask(api, exchange, { ...options, isFollowed: isFollowed(exchange.request) })
    await answerWith(exchange, answer)
  }

  async function answerWith({ request, response, controller }: Exchange, answer: IncomingMessage) {
    const { signal } = controller
    const last = isFollowed(request) ? await awaitImport(answer, { api, pausesMs, signal }) : answer
    await passBack(last, response)
  }

  return {
    listener(request, response) {
      takeAbsoluteForm(request)
      if (request.url === EDGE_HEALTH_PATH && !hasBody(request)) {
        response.writeHead(200, { 'content-type': 'text/plain' }).end('ok')
        return
      }
      const exchange = beginExchange(request, response, createRequestLog(request, log))
      const work = handle(exchange)
        .catch((error: unknown) => refuse(exchange, error))
        .then(() => {
          working.delete(work)
        })
      working.add(work)
    },
    async settled() {
      while (working.size > 0) await Promise.all(working)
    },
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** @throws DomainError */
function refuseForeignPages({ headers, rawHeaders }: IncomingMessage, knownHosts: KnownHosts): void {
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host')
  const site = headers['sec-fetch-site']
  refuseForeign(
    {
      // Two hosts are none that anybody could rely on.
      host: hosts.length > 1 ? hosts.join() : headers.host,
      origin: headers.origin,
      'sec-fetch-site': Array.isArray(site) ? site.join() : site,
    },
    knownHosts,
  )
}

/** Who names an upload can ask again for its import; core cannot, so that the edge does it. */
function isFollowed(request: IncomingMessage): boolean {
  const { method, url = '/' } = request
  return (
    isInstallation(method, url) || (findBodyRoute(method, url)?.purpose === 'task' && isMultipart(request))
  )
}

function tooLarge(): DomainError {
  const text = 'the request is larger than the 10 MB that the API takes'
  return new DomainError('INTERNAL_MAX_UPLOAD_SIZE_EXCEEDED', { type: 'empty' }, { text })
}

/** Answers a request that failed. The client may still be sending. */
function refuse({ request, response, requestLog, controller: { signal } }: Exchange, failure: unknown): void {
  // Without its client, whatever was going on fails in one way or another.
  const cause = response.destroyed ? new ClientGoneError() : reasonOf(signal, failure)
  answerFailure(response, cause)
  requestLog.failed(cause, cause instanceof ClientGoneError ? undefined : response.statusCode)
  if (request.complete || request.destroyed || cause instanceof FragmentedBodyError) return
  // A connection that is closed on a client who still sends loses the answer.
  request.resume()
  const linger = setTimeout(() => request.destroy(), LINGER_MS).unref()
  request.once('close', () => clearTimeout(linger))
}

/** A stalled body makes other things fail as well, which do not say why. */
function reasonOf({ reason }: AbortSignal, failure: unknown): unknown {
  return reason instanceof StalledBodyError || reason instanceof FragmentedBodyError ? reason : failure
}

import type { IncomingMessage, RequestListener } from 'node:http'
import { DomainError } from '../src/domain/errors.ts'
import { EDGE_HEALTH_PATH } from '../src/runtime/environment.ts'
import type { SignRequest } from '../src/signing/sign-request.ts'
import { createSlots } from '../src/slots.ts'
import { createApi } from './api.ts'
import { awaitImport } from './await-import.ts'
import { createConnect } from './connections.ts'
import { answerFailure, ClientGoneError } from './failures.ts'
import { type PassOnOptions, passOn, takesBody } from './pass-on.ts'
import { discardBody, readSmallBody } from './read-ahead.ts'
import { isMultipart } from './read-parts.ts'
import { createRequestLog, type LogEntry } from './request-log.ts'
import { findBodyRoute, isInstallation } from './routes.ts'
import { type Exchange, type TakeBodyDependencies, takeBody } from './take-body.ts'
import { createUploads } from './uploads.ts'

export interface EdgeOptions {
  /** Base URL of the API, without the service's own prefix and version. */
  readonly apiUrl: URL
  /** Signs what goes to the API, never what goes to S3; left out where the API asks nobody for credentials. */
  readonly sign?: SignRequest
  readonly log: (entry: LogEntry) => void
  /** Large bodies that are read at the same time: 64 MB of memory each. */
  readonly uploadsAtOnce: number
  /** Longest silence within a large body; 10 minutes if left out. */
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

/**
 * Largest body that goes to the API as it is. Lambda takes 6 MB, in which API Gateway puts the body as base64: 5.6 MB for this
 * much, and the request's headers beside it.
 */
export const SMALL_BODY_BYTES = 4 * 1024 * 1024

/** API Gateway takes no larger body. One that is to be signed is held whole, so the edge refuses it by itself. */
const SIGNED_BODY_BYTES = 10 * 1024 * 1024

/** A part, and what the client asked for, are tried again for 16 s; calls about the upload for 4 s. */
const PAUSES_MS = [250, 500, 1000, 2000, 4000, 8000]
const API_PAUSES = 4

const IDLE_MS = 10 * 60_000

/** A client that was refused may go on sending for so long: core reads no answer before it has sent its 15 GB. */
const LINGER_MS = 30 * 60_000

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
  idleMs = IDLE_MS,
  pausesMs = PAUSES_MS,
}: EdgeOptions): Edge {
  const connect = createConnect()
  const api = createApi(apiUrl, connect, sign)
  const uploads = createUploads(api, pausesMs.slice(0, API_PAUSES))
  const working = new Set<Promise<void>>()

  function refuse({ request, response, requestLog }: Exchange, failure: unknown): void {
    // Without its client, whatever was going on fails in one way or another.
    const cause = response.destroyed ? new ClientGoneError() : failure
    answerFailure(response, cause)
    requestLog.failed(cause, cause instanceof ClientGoneError ? undefined : response.statusCode)
    if (request.complete || request.destroyed) return
    // A connection that is closed on a client who still sends loses the answer.
    request.resume()
    const linger = setTimeout(() => request.destroy(), LINGER_MS).unref()
    request.once('close', () => clearTimeout(linger))
  }
  const places = createSlots(uploadsAtOnce)
  const deps: TakeBodyDependencies = { api, uploads, connect, places, idleMs, pausesMs, refuse }

  async function handle(exchange: Exchange): Promise<void> {
    const { request, response } = exchange
    const { method, url = '/', headers } = request
    const route = findBodyRoute(method, url)
    // Who names an upload can ask again; core cannot.
    const isImport = isInstallation(method, url) || (route?.purpose === 'task' && isMultipart(request))
    const options: Omit<PassOnOptions, 'body'> = {
      isRepeatable: !hasBody(request),
      ...(isImport && { follow: (answer, signal) => awaitImport(answer, { api, pausesMs, signal }) }),
    }
    if (!hasBody(request)) return passOn(api, request, response, { ...options, body: 'none' })
    if (!takesBody(request)) {
      await discardBody(request, SMALL_BODY_BYTES)
      return passOn(api, request, response, { ...options, isRepeatable: true, body: 'none' })
    }
    const lengthBytes = headers['content-length']
    if (route === undefined || Number(lengthBytes) <= SMALL_BODY_BYTES) {
      const body = api.isSigned ? await readToSign(request) : 'stream'
      return passOn(api, request, response, { ...options, body })
    }
    const body = lengthBytes === undefined ? await readSmallBody(request, SMALL_BODY_BYTES) : undefined
    return body === undefined
      ? takeBody(deps, route, exchange)
      : passOn(api, request, response, { ...options, body, isRepeatable: route.isRepeatable })
  }

  return {
    listener(request, response) {
      // An absolute URL would ask for a proxy to anywhere.
      if (!request.url?.startsWith('/')) {
        response.writeHead(400).end()
        return
      }
      if (request.url === EDGE_HEALTH_PATH) {
        response.writeHead(200, { 'content-type': 'text/plain' }).end('ok')
        return
      }
      const exchange = { request, response, requestLog: createRequestLog(request, log) }
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

/** @throws DomainError when the API would not take it */
async function readToSign(request: IncomingMessage): Promise<Buffer> {
  const isTooLong = Number(request.headers['content-length']) > SIGNED_BODY_BYTES
  const body = isTooLong ? undefined : await readSmallBody(request, SIGNED_BODY_BYTES)
  if (body !== undefined) return body
  const text = 'the request is larger than the 10 MB that the API takes'
  throw new DomainError('INTERNAL_MAX_UPLOAD_SIZE_EXCEEDED', { type: 'empty' }, { text })
}

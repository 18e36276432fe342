import type { IncomingMessage } from 'node:http'
import { DomainError } from '../src/contract/errors.ts'
import { type KnownHosts, refuseForeign } from '../src/shared/foreign-requests.ts'
import { awaitImport } from './await-import.ts'
import { clientOf } from './client-address.ts'
import type { Events } from './events/events.ts'
import type { Exchange } from './exchange.ts'
import { type ForwardOptions, forward, sendAnswer, takesBody } from './forward.ts'
import type { IncomingBody, OpenBody } from './incoming-body.ts'
import { SIGNED_BODY_BYTES, SMALL_BODY_BYTES } from './limits.ts'
import { isMultipart } from './read-parts.ts'
import { checkTarget, isServerOptions } from './request-target.ts'
import { findBodyRoute, hasEscapedSlash, isEvents, isInstallation } from './routes.ts'
import { type UploadBodyDependencies, uploadBody } from './upload-body.ts'

export interface RequestDependencies extends UploadBodyDependencies {
  readonly openBody: OpenBody
  readonly events: Events
  readonly isBehindLoadBalancer: boolean
  readonly knownHosts: KnownHosts
}

/** Methods of the contract's routes, and HEAD. */
const METHODS = 'GET, HEAD, POST, PUT, DELETE, OPTIONS'

/**
 * Executes one request until the end of its response.
 * @throws the failure to send as response; {@link uploadBody} sends its own failures
 */
export async function handleRequest(deps: RequestDependencies, exchange: Exchange): Promise<void> {
  const { openBody, isBehindLoadBalancer, knownHosts } = deps
  const { request, controller } = exchange
  checkTarget(request)
  refuseForeignPages(request, knownHosts)
  if (hasEscapedSlash(request.url ?? '/')) throw new DomainError('ROUTE_NOT_FOUND')
  if (!hasBody(request)) return handleWithoutBody(deps, exchange)
  const incoming = openBody(request, clientOf(request, isBehindLoadBalancer), controller)
  try {
    await handleBody(deps, exchange, incoming)
  } finally {
    incoming.release()
  }
}

async function handleWithoutBody(deps: RequestDependencies, exchange: Exchange): Promise<void> {
  if (isServerOptions(exchange.request)) {
    exchange.response.writeHead(200, { allow: METHODS, 'content-length': '0' }).end()
    return
  }
  const { request } = exchange
  if (isEvents(request.method, request.url ?? '/')) {
    return deps.events.serve(exchange, clientOf(request, deps.isBehindLoadBalancer))
  }
  await forwardAndAnswer(deps, exchange, { body: 'none', isRepeatable: true })
}

async function handleBody(
  deps: RequestDependencies,
  exchange: Exchange,
  incoming: IncomingBody,
): Promise<void> {
  const { request } = exchange
  if (!takesBody(request)) {
    await incoming.discard()
    return handleWithoutBody(deps, exchange)
  }
  const route = findBodyRoute(request.method, request.url ?? '/')
  const isHeldWhole = route === undefined && deps.api.isSigned
  if (isHeldWhole && Number(request.headers['content-length']) > SIGNED_BODY_BYTES) throw tooLarge()
  const answer = await forwardWhole(
    deps,
    exchange,
    incoming,
    isHeldWhole ? SIGNED_BODY_BYTES : SMALL_BODY_BYTES,
  )
  if (answer !== undefined) return answerWith(deps, exchange, answer)
  if (route !== undefined) return uploadBody(deps, { route, incoming }, exchange)
  if (isHeldWhole) throw tooLarge()
  await incoming.acquireSlot()
  return forwardAndAnswer(deps, exchange, { body: 'stream', isRepeatable: false })
}

/**
 * Forwards a body that fits in memory. It is a separate function, so that the bytes can be garbage-collected while the
 * edge waits for an import.
 */
async function forwardWhole(
  { api }: RequestDependencies,
  exchange: Exchange,
  incoming: IncomingBody,
  limitBytes: number,
): Promise<IncomingMessage | undefined> {
  const { request } = exchange
  const body = await incoming.readAhead(limitBytes)
  if (body === undefined) return undefined
  const isRepeatable = findBodyRoute(request.method, request.url ?? '/')?.isRepeatable ?? false
  try {
    return await forward(api, exchange, { body, isRepeatable, isPolled: isPolled(request) })
  } finally {
    incoming.release()
  }
}

async function forwardAndAnswer(
  deps: RequestDependencies,
  exchange: Exchange,
  options: Omit<ForwardOptions, 'isPolled'>,
): Promise<void> {
  const answer = await forward(deps.api, exchange, { ...options, isPolled: isPolled(exchange.request) })
  await answerWith(deps, exchange, answer)
}

async function answerWith(
  { api, pausesMs }: RequestDependencies,
  { request, response, controller }: Exchange,
  answer: IncomingMessage,
): Promise<void> {
  const { signal } = controller
  const last = isPolled(request) ? await awaitImport(answer, { api, pausesMs, signal }) : answer
  await sendAnswer(last, response)
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** @throws DomainError */
function refuseForeignPages({ headers, rawHeaders }: IncomingMessage, knownHosts: KnownHosts): void {
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host')
  const site = headers['sec-fetch-site']
  refuseForeign(
    {
      // Servers disagree on which of two Host headers applies. The joined value is not a valid host, so the request is
      // refused.
      host: hosts.length > 1 ? hosts.join() : headers.host,
      origin: headers.origin,
      'sec-fetch-site': Array.isArray(site) ? site.join() : site,
    },
    knownHosts,
  )
}

/** Clients that sent an `uploadId` can poll the import. Core cannot, so the edge polls for it. */
function isPolled(request: IncomingMessage): boolean {
  const { method, url = '/' } = request
  return (
    isInstallation(method, url) || (findBodyRoute(method, url)?.purpose === 'task' && isMultipart(request))
  )
}

function tooLarge(): DomainError {
  const text = 'the request is larger than the 10 MB that the API accepts'
  return new DomainError('INTERNAL_MAX_UPLOAD_SIZE_EXCEEDED', { type: 'empty' }, { text })
}

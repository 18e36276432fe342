import type { IncomingMessage, ServerResponse } from 'node:http'
import { DomainError } from '../src/contract/errors.ts'
import { type KnownHosts, refuseForeign } from '../src/shared/foreign-requests.ts'

export interface ForeignPageRule {
  /** `host`: checks only the Host header, against DNS rebinding. */
  readonly looksAt?: 'host' | 'all'
  /** Host names in addition to this machine's. */
  readonly knownHosts: KnownHosts
}

/**
 * Refuses browser requests from other origins with 403. Parts of the local stack accept unauthenticated calls
 * and start programs, so listening on loopback is not enough.
 * @returns whether the request was refused
 */
export function refuseForeignPage(
  request: IncomingMessage,
  response: ServerResponse,
  { looksAt = 'all', knownHosts }: ForeignPageRule,
): boolean {
  const { host, origin, 'sec-fetch-site': site } = request.headers
  const sender = looksAt === 'all' ? { origin, site: [site ?? []].flat().at(0) } : {}
  try {
    refuseForeign({ host, origin: sender.origin, 'sec-fetch-site': sender.site }, knownHosts)
    return false
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    request.resume()
    response
      .writeHead(error.status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ message: error.message }))
    return true
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { DomainError } from '../src/contract/errors.ts'
import { type KnownHosts, rejectForeign } from '../src/shared/foreign-requests.ts'

export interface ForeignPageRule {
  /** `host`: only at the name that the part is called by, which tells DNS rebinding. */
  readonly looksAt?: 'host' | 'all'
  /** Beside the names of this machine. */
  readonly knownHosts: KnownHosts
}

/**
 * Answers 403 to what a web page of somebody else has a browser send to a part of the local stack. These parts ask nobody for credentials
 * and start programs, so that a port on loopback alone would not protect them.
 * @returns whether the request was refused.
 */
export function refuseForeignPage(
  request: IncomingMessage,
  response: ServerResponse,
  { looksAt = 'all', knownHosts }: ForeignPageRule,
): boolean {
  const { host, origin, 'sec-fetch-site': site } = request.headers
  const sender = looksAt === 'all' ? { origin, site: [site ?? []].flat().at(0) } : {}
  try {
    rejectForeign({ host, origin: sender.origin, 'sec-fetch-site': sender.site }, knownHosts)
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

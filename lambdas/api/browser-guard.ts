import type { MiddlewareHandler } from 'hono'
import { type KnownHosts, refuseForeign } from '../../src/shared/foreign-requests.ts'

/** Refuses requests of foreign web pages before any route. The edge itself checks the requests that it forwards. */
export function guardFromBrowsers(knownHosts: KnownHosts): MiddlewareHandler {
  return async ({ req }, next) => {
    const [host, origin, site] = [req.header('host'), req.header('origin'), req.header('sec-fetch-site')]
    refuseForeign({ host, origin, 'sec-fetch-site': site }, knownHosts)
    await next()
  }
}

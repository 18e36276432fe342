import type { MiddlewareHandler } from 'hono'
import { type KnownHosts, rejectForeign } from '../../src/shared/foreign-requests.ts'

/** Rejects requests of foreign web pages before any route. The edge checks the requests that it forwards itself. */
export function guardFromBrowsers(knownHosts: KnownHosts): MiddlewareHandler {
  return async ({ req }, next) => {
    const [host, origin, site] = [req.header('host'), req.header('origin'), req.header('sec-fetch-site')]
    rejectForeign({ host, origin, 'sec-fetch-site': site }, knownHosts)
    await next()
  }
}

import type { MiddlewareHandler } from 'hono'
import { CONSOLE_HEADER, type ConsoleMode } from '../../../src/contract/console.ts'
import { DomainError } from '../../../src/contract/errors.ts'

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses changes by a page when the stage's console is read-only. A browser adds `Origin` to every such request, and a page
 * cannot prevent that. The edge does not forward that header, but adds its own mark. Core sends neither.
 */
export function guardChanges(mode: ConsoleMode): MiddlewareHandler {
  return async ({ req }, next) => {
    const isOfPage =
      req.header('origin') !== undefined ||
      req.header('sec-fetch-site') !== undefined ||
      req.header(CONSOLE_HEADER) !== undefined
    if (mode === 'read-only' && isOfPage && !READS.has(req.method)) throw new DomainError('CONSOLE_READ_ONLY')
    await next()
  }
}

import type { MiddlewareHandler } from 'hono'
import { CONSOLE_HEADER, type ConsoleMode } from '../../../src/contract/console.ts'
import { DomainError } from '../../../src/contract/errors.ts'

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses changes that a page sends to a stage whose console is read-only. A browser adds `Origin` to every such request, which a page
 * cannot prevent. Behind an edge, which keeps that header, the edge's own mark takes its place. Core sends neither.
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

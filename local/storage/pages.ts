import type { IncomingMessage, ServerResponse } from 'node:http'

/* CORS of the bucket (lib/stacks/storage-stack.ts) for pages of the console. */

const METHODS = 'GET, HEAD, PUT'
/** Response headers that pages may read, for ranges of large images. */
const EXPOSED = 'accept-ranges, content-length, content-range, content-type, etag'
const PREFLIGHT_SECONDS = 3000

/** Whether a page of one of these origins sent the request. */
export function isOfPage({ headers }: IncomingMessage, origins: readonly string[]): boolean {
  return headers.origin !== undefined && origins.includes(headers.origin)
}

/**
 * Adds CORS headers for pages of these origins, and answers preflight requests.
 * @returns whether the request was a preflight
 */
export function answerPage(
  request: IncomingMessage,
  response: ServerResponse,
  origins: readonly string[],
): boolean {
  const { origin } = request.headers
  if (origin === undefined || !isOfPage(request, origins)) return false
  response.setHeader('access-control-allow-origin', origin)
  response.setHeader('access-control-expose-headers', EXPOSED)
  response.setHeader('vary', 'origin')
  if (request.method !== 'OPTIONS') return false
  response.setHeader('access-control-allow-methods', METHODS)
  response.setHeader('access-control-allow-headers', 'content-type, range')
  response.setHeader('access-control-max-age', String(PREFLIGHT_SECONDS))
  response.writeHead(204).end()
  return true
}

import type { IncomingMessage } from 'node:http'
import { BadRequestError } from './failures.ts'

const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/isu

/**
 * Replaces a target in absolute form by its path, and the Host header by the target's host (RFC 9112, 3.2.2). The path is not
 * normalized.
 */
export function resolveAbsoluteForm(request: IncomingMessage): void {
  const [, authority, rest] = ABSOLUTE.exec(request.url ?? '') ?? []
  if (authority === undefined || rest === undefined) return
  request.headers.host = authority
  // RFC 9112, 3.2.4: in absolute form, OPTIONS of the whole server has neither path nor query.
  if (rest === '') request.url = request.method === 'OPTIONS' ? '*' : '/'
  else request.url = rest.startsWith('/') ? rest : `/${rest}`
}

/** Whether the request is an OPTIONS request for the whole server (RFC 9110, 9.3.7). */
export function isServerOptions({ method, url }: IncomingMessage): boolean {
  return method === 'OPTIONS' && url === '*'
}

/** @throws BadRequestError for a target without a path, and for an HTTP/1.1 request without a host: RFC 9112, 3.2 */
export function checkTarget(request: IncomingMessage): void {
  const { url = '', headers, httpVersion } = request
  if (headers.host === undefined && httpVersion === '1.1') {
    throw new BadRequestError('The request has no Host header, which HTTP/1.1 requires.')
  }
  if (!url.startsWith('/') && !isServerOptions(request)) {
    const shown = JSON.stringify(url.slice(0, 100))
    throw new BadRequestError(`The request target ${shown} is neither a path nor an http URL.`)
  }
}

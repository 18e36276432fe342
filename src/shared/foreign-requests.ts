import { DomainError } from '../contract/errors.ts'

/** Host names that a service accepts: any, or names and addresses without ports. Those of the machine itself are always accepted. */
export type KnownHosts = 'any' | readonly string[]

/** Headers that identify the origin of a browser's request. */
export interface BrowserHeaders {
  readonly host: string | undefined
  readonly origin: string | undefined
  readonly 'sec-fetch-site': string | undefined
}

/** Headers that a proxy removes after the check, because they name the proxy's host and not that of the upstream. */
export const ORIGIN_HEADERS = /^(?:origin|referer|sec-fetch-.*|access-control-request-.*)$/u

/** Host and optional port. Other characters would change the host when the value is put into a URL. */
const HOST = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/iu

/** Names of this machine that DNS cannot redirect: RFC 6761 and RFC 9476 reserve `localhost` and `internal`. Containers use the latter. */
const LOOPBACK =
  /^(?:localhost|[\w.-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\]|host\.(?:docker|containers)\.internal)\.?$/iu

/**
 * Refuses browser requests from pages of other origins: such a page could use the service with the network access of
 * its visitor. With a list of known hosts, other host names are refused too, which prevents DNS rebinding. Clients
 * other than browsers send neither `Origin` nor `Sec-Fetch-Site`.
 * @throws DomainError with status 403
 */
export function refuseForeign(headers: BrowserHeaders, knownHosts: KnownHosts): void {
  const { host, origin, 'sec-fetch-site': site } = headers
  if (!isKnown(host, knownHosts)) {
    const text = `this service does not accept the host ${shown(host)}: use another address of the service, or add the host to HOSTS (for a stage on AWS: to the setting edge.hosts)`
    throw new DomainError('FOREIGN_REQUEST', { type: 'empty' }, { text })
  }
  const isForeignSite = site !== undefined && !/^(?:same-origin|none)$/iu.test(site.trim())
  if (isForeignSite || (origin !== undefined && !isSameOrigin(origin, host, knownHosts))) {
    const from =
      origin === undefined ? `a page of another site (${shown(site)})` : `a page of ${shown(origin)}`
    const text = `the request was sent by ${from}: only pages of this service may call it from a browser`
    throw new DomainError('FOREIGN_REQUEST', { type: 'empty' }, { text })
  }
}

/** Parses a setting: `*`, or names separated by commas. */
export function knownHostsOf(setting: string): KnownHosts {
  const names = setting.split(',').map((name) => name.trim().toLowerCase())
  return names.includes('*') ? 'any' : names.filter((name) => name !== '')
}

function isKnown(host: string | undefined, knownHosts: KnownHosts): boolean {
  if (knownHosts === 'any') return host === undefined || HOST.test(host)
  if (host === undefined || !HOST.test(host)) return false
  const name = host.replace(/:\d+$/u, '').toLowerCase()
  return LOOPBACK.test(name) || knownHosts.includes(name.replace(/\.$/u, ''))
}

/** Compares an `Origin`, which has no path. The scheme is ignored, since a load balancer may terminate TLS. */
function isSameOrigin(origin: string, host: string | undefined, knownHosts: KnownHosts): boolean {
  const parsed = /^(https?):\/\/([^/?#@\\]+)$/iu.exec(origin)
  if (parsed === null) return false
  const [, scheme = '', authority = ''] = parsed
  if (!HOST.test(authority)) return false
  const withPort = (text: string): string => new URL(`${scheme}://${text}`).host
  if (host !== undefined && withPort(authority) === withPort(host)) return true
  // A proxy may have changed the Host header; then the origin must be a known host.
  return knownHosts !== 'any' && knownHosts.includes(authority.toLowerCase())
}

function shown(text: string | undefined): string {
  return text === undefined ? '(none)' : JSON.stringify(text.slice(0, 100))
}

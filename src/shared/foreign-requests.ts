import { DomainError } from '../contract/errors.ts'

/** The hosts that a service answers for: any, or names and addresses without ports. Those of the machine itself are always known. */
export type KnownHosts = 'any' | readonly string[]

/** What a browser says of a request, by the headers' names. */
export interface BrowserHeaders {
  readonly host: string | undefined
  readonly origin: string | undefined
  readonly 'sec-fetch-site': string | undefined
}

/** Headers that tell where a request comes from. A service that has looked at them keeps them from the next, which has another host. */
export const BROWSER_HEADERS = /^(?:origin|referer|sec-fetch-.*|access-control-request-.*)$/u

/** A host and a port, in the characters that either may have: everything else makes another host of a URL. */
const HOST = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/iu

/**
 * Names of this machine that nobody can give another address by DNS: RFC 6761 and RFC 9476 keep `localhost` and `internal`. The
 * latter are how containers call it.
 */
const LOOPBACK =
  /^(?:localhost|[\w.-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\]|host\.(?:docker|containers)\.internal)\.?$/iu

/**
 * Refuses what a web page of somebody else has a browser send: no browser needs the service but for its own pages, and a page of
 * any other origin could drive it with the rights of its user's network. With known hosts, a name that somebody points to this
 * machine is refused as well (DNS rebinding). Clients other than browsers send neither `Origin` nor `Sec-Fetch-Site`.
 * @throws DomainError, 403
 */
export function refuseForeign(headers: BrowserHeaders, knownHosts: KnownHosts): void {
  const { host, origin, 'sec-fetch-site': site } = headers
  if (!isKnown(host, knownHosts)) {
    const text = `this service does not answer for the host ${shown(host)}: call it by an address that it knows, or add the host to its setting`
    throw new DomainError('FOREIGN_REQUEST', { type: 'empty' }, { text })
  }
  const isForeignSite = site !== undefined && !/^(?:same-origin|none)$/iu.test(site.trim())
  if (isForeignSite || (origin !== undefined && !isSameOrigin(origin, host, knownHosts))) {
    const from =
      origin === undefined ? `a page of another site (${shown(site)})` : `a page of ${shown(origin)}`
    const text = `the request was sent by ${from}: only pages of this service itself may call it from a browser`
    throw new DomainError('FOREIGN_REQUEST', { type: 'empty' }, { text })
  }
}

/** Reads a setting: `*`, or names separated by commas. */
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

/** A browser's own `Origin` has no path; the scheme is not compared, since a load balancer may have ended TLS. */
function isSameOrigin(origin: string, host: string | undefined, knownHosts: KnownHosts): boolean {
  const parsed = /^(https?):\/\/([^/?#@\\]+)$/iu.exec(origin)
  if (parsed === null) return false
  const [, scheme = '', authority = ''] = parsed
  if (!HOST.test(authority)) return false
  const withPort = (text: string): string => new URL(`${scheme}://${text}`).host
  if (host !== undefined && withPort(authority) === withPort(host)) return true
  // A proxy in front may have changed the host; its name has to be known by name.
  return knownHosts !== 'any' && knownHosts.includes(authority.toLowerCase())
}

function shown(text: string | undefined): string {
  return text === undefined ? '(none)' : JSON.stringify(text.slice(0, 100))
}

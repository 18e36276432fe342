import { type LookupAddress, lookup as resolve } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/*
 * Guards requests to hosts that callers name (SSRF). The addresses are checked when the connection is made, which goes
 * to a checked address. A name that resolves to another address a moment later (DNS rebinding) has no effect.
 */

/** Networks that a request may reach: the internet, or also this machine and its private networks. */
export type ReachableNetworks = 'public' | 'local'

/** Private networks and this machine: RFC 1918, RFC 6598, RFC 4193, loopback, and `::/96`, IPv4-compatible addresses (RFC 4291). */
const LOCAL = blockListOf([
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::/96',
  'fc00::/7',
])

/** Never reachable: the IANA registries of special-purpose addresses, with link-local ones, where clouds serve credentials. */
const SPECIAL = blockListOf([
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '::/128',
  // Forms that contain an IPv4 address: compatible with the metadata service's, translated (RFC 2765), NAT64, Teredo (2001::/23),
  // 6to4. Mapped addresses are checked by the address that they contain.
  '::169.254.0.0/112',
  '::ffff:0:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2001::/23',
  '2002::/16',
  '100::/64',
  '100:0:0:1::/64',
  '5f00::/16',
  '2001:db8::/32',
  '3fff::/20',
  // AWS's metadata and time services over IPv6.
  'fd00:ec2::/32',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
])

/** Error for a host with an address that must not be requested. The message does not contain the address. */
export class RefusedAddressError extends Error {
  override readonly name = 'RefusedAddressError'
  readonly code = 'ERR_REFUSED_ADDRESS'

  constructor() {
    super('the host has an address that is not reachable from here: expected a public one')
  }
}

/** Whether an IP address may be requested; false for any other text. */
export function isReachable(address: string, networks: ReachableNetworks): boolean {
  const family = isIP(address)
  if (family === 0) return false
  const type = family === 4 ? 'ipv4' : 'ipv6'
  return !SPECIAL.check(address, type) && (networks === 'local' || !LOCAL.check(address, type))
}

/** Whether the host of a URL is an IP address that must not be requested. Names are checked when they are resolved. */
export function hasRefusedAddress({ hostname }: URL, networks: ReachableNetworks): boolean {
  const host = hostname.replace(/^\[|\]$/gu, '')
  return isIP(host) !== 0 && !isReachable(host, networks)
}

/** Resolves names for connections. Fails when one of the addresses must not be requested. */
export function guardedLookup(networks: ReachableNetworks, lookup: typeof resolve = resolve): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '')
      const [first] = found
      if (first === undefined || found.some(({ address }) => !isReachable(address, networks))) {
        return callback(new RefusedAddressError(), '')
      }
      return options.all === true
        ? callback(null, found as LookupAddress[])
        : callback(null, first.address, first.family)
    })
  }
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    list.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}

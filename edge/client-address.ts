import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'

/**
 * Key by which clients share the budgets: the IPv4 address, or the /64 network of the IPv6 address, which belongs to one subscriber.
 * @param isBehindLoadBalancer Whether to read the last entry of `X-Forwarded-For`, which the load balancer appends. Clients can
 *   forge the earlier entries.
 */
export function clientOf({ socket, headers }: IncomingMessage, isBehindLoadBalancer: boolean): string {
  const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').at(-1)?.trim()
  const address = (isBehindLoadBalancer && forwarded) || socket.remoteAddress || ''
  const plain = address.replace(/^::ffff:(?=\d+\.)/iu, '')
  return isIPv6(plain) ? `${networkOf(plain)}::/64` : plain
}

function networkOf(address: string): string {
  const [head = '', tail] = address.toLowerCase().split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - first.length - last.length }, () => '0')
  return [...first, ...zeros, ...last]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/u, ''))
    .join(':')
}

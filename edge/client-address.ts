import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'

/**
 * Tells one client from another: its address, of IPv6 the network of 64 bits that one subscriber has.
 * @param isBehindLoadBalancer The peer is a load balancer then, which appends the client's address to `X-Forwarded-For`. What
 *   stands before is the client's own invention.
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

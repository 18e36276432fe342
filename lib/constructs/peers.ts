import { type IPeer, Peer } from 'aws-cdk-lib/aws-ec2'

/** Pattern and constructor of each kind of peer. */
const KINDS: readonly (readonly [written: RegExp, make: (text: string) => IPeer])[] = [
  [/^sg-[0-9a-f]+$/u, Peer.securityGroupId],
  [/^pl-[0-9a-f]+$/u, Peer.prefixList],
  [/^(?:\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/u, Peer.ipv4],
]

const makerOf = (text: string) => KINDS.find(([written]) => written.test(text))?.[1]

/** Whether the text is an IPv4 address range, a security group (`sg-…`) or a prefix list (`pl-…`). */
export function isPeer(text: string): boolean {
  return makerOf(text) !== undefined
}

/**
 * Peer of a security group's rule.
 * @throws Error unless {@link isPeer}
 */
export function peerOf(text: string): IPeer {
  const make = makerOf(text)
  if (make === undefined) throw new Error(`not an IPv4 range, sg-… or pl-…: "${text}"`)
  return make(text)
}

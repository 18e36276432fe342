import { type IPeer, Peer } from 'aws-cdk-lib/aws-ec2'

const IPV4_RANGE = /^(?:\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/u

/**
 * The other side of a security group's rule, as a stage's settings name it.
 * @param text An IPv4 address range, a security group (`sg-…`) or a prefix list (`pl-…`).
 * @throws Error when it is none of these
 */
export function peerOf(text: string): IPeer {
  if (/^sg-[0-9a-f]+$/u.test(text)) return Peer.securityGroupId(text)
  if (/^pl-[0-9a-f]+$/u.test(text)) return Peer.prefixList(text)
  if (IPV4_RANGE.test(text)) return Peer.ipv4(text)
  throw new Error(`not an IPv4 range, sg-… or pl-…: "${text}"`)
}

import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { clientOf } from '../../../edge/client-address.ts'

const from = (remoteAddress: string, forwarded?: string): IncomingMessage =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage

describe('the client of a request', () => {
  it.each([
    ['10.0.0.7', '10.0.0.7'],
    ['::ffff:10.0.0.7', '10.0.0.7'],
    ['2001:db8:0:7:1::2', '2001:db8:0:7::/64'],
    ['2001:db8::2', '2001:db8:0:0::/64'],
    ['2001:0DB8:0000:0000:ffff:0:0:1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('at %s is %s', (address, client) => {
    expect(clientOf(from(address), false)).toBe(client)
  })

  it('is the address that the load balancer adds, not the client’s own header', () => {
    expect(clientOf(from('10.0.0.1', '1.1.1.1, 2.2.2.2 , 10.0.0.9'), true)).toBe('10.0.0.9')
    expect(clientOf(from('10.0.0.1', '1.1.1.1'), false)).toBe('10.0.0.1')
    expect(clientOf(from('10.0.0.1'), true)).toBe('10.0.0.1')
  })
})

import type { LookupAddress } from 'node:dns'
import { describe, expect, it } from 'vitest'
import { guardedLookup, isReachable, type ReachableNetworks } from '../../../src/shared/guarded-address.ts'

/** Resolves a name to these addresses, with the guard. */
function resolveTo(networks: ReachableNetworks, ...addresses: readonly string[]): Promise<unknown> {
  const found: LookupAddress[] = addresses.map((address) => ({
    address,
    family: address.includes(':') ? 6 : 4,
  }))
  const dns = (_name: string, _options: object, callback: (error: null, all: LookupAddress[]) => void) =>
    callback(null, found)
  return new Promise((resolve, reject) => {
    guardedLookup(networks, dns as never)('receiver.example.org', {}, (error, address) =>
      error === null ? resolve(address) : reject(error),
    )
  })
}

describe('an address', () => {
  it.each([
    '8.8.8.8',
    '172.32.0.1',
    '2a00:1450:4001:81b::200e',
    '2001:4860:4860::8888',
    '::ffff:8.8.8.8',
    '64:ff9c::1',
  ])('of the internet is reachable: %s', (address) => {
    expect([isReachable(address, 'public'), isReachable(address, 'local')]).toEqual([true, true])
  })

  it.each([
    '127.0.0.1',
    '127.8.8.8',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '::1',
    'fd12:3456::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::127.0.0.1',
  ])('of this machine or a private network is reachable only on the local stack: %s', (address) => {
    expect([isReachable(address, 'public'), isReachable(address, 'local')]).toEqual([false, true])
  })

  it.each([
    '169.254.169.254',
    '169.254.170.2',
    '::ffff:169.254.169.254',
    'fd00:ec2::254',
    'fe80::1',
    '0.0.0.0',
    '::',
    '224.0.0.1',
    '255.255.255.255',
    '192.0.2.1',
    '198.18.0.1',
    '::169.254.169.254',
    '::ffff:0:169.254.169.254',
    '::ffff:0:127.0.0.1',
    '::ffff:0:8.8.8.8',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::a9fe:a9fe',
    '64:ff9b:1:ffff:ffff::1',
    '2002:a9fe:a9fe::1',
    '2002:7f00:1::',
    '2002:a00:1::1',
    '2001::1',
    '2001:0:ffff:ffff::1',
    '2001:20::1',
    '2001:db8::1',
    '3fff:fff::1',
    '100::1',
    '100:0:0:1::1',
    '5f00::1',
    'fec0::1',
    'feff::1',
    'fe80::1%eth0',
    'ff02::1',
    'example.org',
    '',
  ])('for metadata, multicast or no host is never reachable: "%s"', (address) => {
    expect([isReachable(address, 'public'), isReachable(address, 'local')]).toEqual([false, false])
  })
})

describe('the guarded resolution of a name', () => {
  it('returns the checked address, to which the connection then goes', async () => {
    expect(await resolveTo('public', '8.8.8.8')).toBe('8.8.8.8')
  })

  it('fails when one of the addresses must not be called', async () => {
    await expect(resolveTo('public', '8.8.8.8', '10.0.0.1')).rejects.toMatchObject({
      code: 'ERR_REFUSED_ADDRESS',
    })
    await expect(resolveTo('local', '169.254.169.254')).rejects.toMatchObject({ code: 'ERR_REFUSED_ADDRESS' })
  })
})

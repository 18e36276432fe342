import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseMemoryAmount } from '../../../../src/task/descriptor/memory-amount.ts'

describe('memory amounts', () => {
  // Examples of the contract (descriptor 3.2), and the limits of prefixes.
  it.each([
    ['1kB', 1000n],
    ['1MiB', 1_048_576n],
    ['1 MiB', 1_048_576n],
    ['1GByte', 10n ** 9n],
    ['1.5 MB', 1_500_000n],
    ['4Gi', 4_294_967_296n],
    ['1kb', 125n],
    ['1Mibit', 131_072n],
    ['25Kib', 3200n],
    ['25KB', 25_000n],
    ['0B', 0n],
    ['0', 0n],
    ['1024', 1024n],
    ['10 B', 10n],
    ['100 Mi', 104_857_600n],
    ['2.25455 Kib', 289n],
    ['1b', 1n],
    ['7 byte', 7n],
    ['1Q', 10n ** 30n],
    ['1Yi', 2n ** 80n],
    ['0.0000000001B', 1n],
  ])('are read from %s as %s bytes', (text, bytes) => {
    expect(parseMemoryAmount(text)?.bytes).toBe(bytes)
  })

  it.each([
    ['2.25455 Kib', 2309n],
    ['1kb', 1000n],
    ['1kB', 8000n],
    ['0.1bit', 1n],
  ])('are read from %s as %s bits', (text, bits) => {
    expect(parseMemoryAmount(text)?.bits).toBe(bits)
  })

  it.each([
    '',
    '1XYZ',
    'GByte',
    '1.5.5GB',
    '1 K B',
    '-1kB',
    '1e3B',
    '4Gixyz',
    '4Gi ',
    ' 4Gi',
    '01B',
    '1.B',
    '.5B',
    '1ki',
    '1Ri',
    '1KIB',
    '1GBYTE',
    '1,5MB',
    '١B',
    '1\n2',
    '9'.repeat(101),
  ])('cannot be read from %j', (text) => {
    expect(parseMemoryAmount(text)).toBeUndefined()
  })

  it('are exact, and rounded up to bytes', () => {
    const prefixes = fc.constantFrom(
      ['', 1n],
      ['k', 1000n],
      ['Gi', 2n ** 30n],
      ['Yi', 2n ** 80n],
      ['Q', 10n ** 30n],
    )
    const suffixes = fc.constantFrom(['', 8n], ['B', 8n], ['byte', 8n], ['b', 1n], ['bit', 1n])
    const wholes = fc.bigInt({ min: 0n, max: 10n ** 20n })
    const fractions = fc.stringMatching(/^\d{1,12}$/u)
    fc.assert(
      fc.property(
        wholes,
        fractions,
        prefixes,
        suffixes,
        (whole, fraction, [prefix, factor], [suffix, bits]) => {
          const amount = parseMemoryAmount(`${whole}.${fraction} ${prefix}${suffix}`)

          const scale = 10n ** BigInt(fraction.length)
          const exactBits = BigInt(`${whole}${fraction}`) * BigInt(factor) * BigInt(bits)
          const { bytes, bits: roundedBits } = amount ?? { bytes: -1n, bits: -1n }
          expect(roundedBits * scale >= exactBits && (roundedBits - 1n) * scale < exactBits).toBe(true)
          expect(bytes * 8n * scale >= exactBits && (bytes - 1n) * 8n * scale < exactBits).toBe(true)
        },
      ),
    )
  })
})

import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCrcCoverage } from '../../../../src/archive/zip/crc-coverage.ts'

describe('checksums combined from ranges', () => {
  it('are equal to that of the whole, for any order of the ranges', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 5000 })
    fc.assert(
      fc.property(
        bytes,
        fc.array(fc.nat(5000), { maxLength: 6 }),
        fc.boolean(),
        (whole, cuts, isReversed) => {
          const ends = [...new Set([...cuts.filter((cut) => cut < whole.length), whole.length])].toSorted(
            (a, b) => a - b,
          )
          const parts = ends.map((end, index) => ({ start: ends[index - 1] ?? 0, end }))
          const coverage = createCrcCoverage()

          for (const { start, end } of isReversed ? parts.toReversed() : parts) {
            coverage.add(start, end - start, crc32(whole.subarray(start, end)))
          }

          expect(coverage.crc()).toBe(crc32(whole))
          expect(coverage.holes(whole.length)).toEqual([])
        },
      ),
    )
  })

  it('list the ranges that were not read', () => {
    const coverage = createCrcCoverage()
    coverage.add(10, 5, 0)
    coverage.add(20, 10, 0)

    expect(coverage.holes(40)).toEqual([
      { start: 0, length: 10 },
      { start: 15, length: 5 },
      { start: 30, length: 10 },
    ])
  })
})

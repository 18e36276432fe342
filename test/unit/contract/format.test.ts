import { describe, expect, it } from 'vitest'
import { formatBytes, formatDuration, formatMemory } from '../../../src/contract/format.ts'

describe('a size', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [99_940, '99.9 kB'],
    [99_950, '100 kB'],
    [999_500, '1.0 MB'],
    [2_200_000_000, '2.2 GB'],
    [5_000_000_000_000, '5.0 TB'],
    [5_000_000_000_000_000, '5000 TB'],
  ])('of %d bytes is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it.each([
    [512, '512 MiB'],
    [2048, '2 GiB'],
    [2560, '2.5 GiB'],
  ])('of memory, %d MiB, is %s', (mebibytes, text) => {
    expect(formatMemory(mebibytes)).toBe(text)
  })
})

describe('a duration', () => {
  it.each([
    [0, '0 s'],
    [0.34, '0.3 s'],
    [9.94, '9.9 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [130, '2 min 10 s'],
    [3725, '1 h 2 min'],
    [86_400, '1 d'],
    [90_000, '1 d 1 h'],
  ])('of %d s is %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text)
  })
})

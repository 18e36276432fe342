import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newestText } from '../../../src/run/newest-text.ts'

describe('the newest part of a text', () => {
  it('is the whole text when it fits', () => {
    expect(newestText('été', 5)).toBe('été')
  })

  it('is empty for an empty text', () => {
    expect(newestText('', 5)).toBe('')
    expect(newestText('abc', 0)).toBe('')
  })

  it('is an end of the text, at most three bytes shorter than allowed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(50), (text, maxBytes) => {
        const newest = newestText(text, maxBytes)
        const wanted = Math.min(maxBytes, Buffer.byteLength(text))
        expect(text.endsWith(newest)).toBe(true)
        expect(Buffer.byteLength(newest)).toBeLessThanOrEqual(wanted)
        expect(Buffer.byteLength(newest)).toBeGreaterThan(wanted - 4)
      }),
    )
  })
})

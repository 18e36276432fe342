import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutText } from '../../../src/contract/quoted.ts'

describe('an untrusted text in a message', () => {
  it('is well-formed and has a maximum length', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.slice(1))
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 10 }), (text, length) => {
        const cut = cutText(text, length)

        expect([cut.isWellFormed(), cut.length <= length + 1]).toEqual([true, true])
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wirePath } from '../../../src/signing/wire-path.ts'

describe('the path of a request', () => {
  it('is unchanged by a second normalization', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const spelt = wirePath(`/${text}`)

        expect(wirePath(spelt)).toBe(spelt)
        expect(spelt).toMatch(/^\/[A-Za-z0-9\-._~%/]*(?:\?[A-Za-z0-9\-._~%=&]*)?$/u)
      }),
    )
  })
})

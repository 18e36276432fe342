import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wirePath } from '../../../src/signing/wire-path.ts'

describe('the path of a request', () => {
  it.each([
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['/a/b/', '/a/b/'],
    ['/a//b', '/a/b'],
    ['/a/./b/../c', '/a/c'],
    ['/../../a', '/a'],
    ['/a/%2e%2E/b', '/b'],
    ['/a b/ü', '/a%20b/%C3%BC'],
    ['/a%20b/%c3%bc', '/a%20b/%C3%BC'],
    ['/a%2Fb', '/a%2Fb'],
    ["/a!'()*b~", '/a%21%27%28%29%2Ab~'],
    ['/100%', '/100%25'],
    ['/a?x=1&y=a%2Bb', '/a?x=1&y=a%2Bb'],
    ['/a?x=1+2&x', '/a?x=1%202&x='],
    ['/a?x==&&y=?', '/a?x=%3D&y=%3F'],
    ['/a?', '/a'],
  ])('is, for %s, sent as %s', (path, spelt) => {
    expect(wirePath(path)).toBe(spelt)
  })

  it('is decoded to the same segments', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (name) => {
        fc.pre(name !== '.' && name !== '..')

        const [, segment = ''] = wirePath(`/${encodeURIComponent(name)}`).split('/')

        expect(decodeURIComponent(segment)).toBe(name)
      }),
    )
  })
})

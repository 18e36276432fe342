import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutText, printable, printableLines, quoted, someOf } from '../../../src/contract/quoted.ts'

describe('an untrusted text in a message', () => {
  it('is cut between characters, never within one', () => {
    expect(['ab😀c', 'abc😀', 'abcd', 'abcde'].map((text) => cutText(text, 4))).toEqual([
      'ab😀…',
      'abc…',
      'abcd',
      'abcd…',
    ])
    expect(cutText('abc😀', 5)).toBe('abc😀')
  })

  it('is well-formed and of bounded length', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.slice(1))
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 10 }), (text, length) => {
        const cut = cutText(text, length)

        expect([cut.isWellFormed(), cut.length <= length + 1]).toEqual([true, true])
      }),
    )
  })

  it.each([
    ['a newline', 'a\r\nb', 'a\\u{d}\\u{a}b'],
    ['an escape of terminals', '\u001b[31m', '\\u{1b}[31m'],
    ['an escape in one character', '\u009b31m', '\\u{9b}31m'],
    ['a separator of lines', 'a\u2028b', 'a\\u{2028}b'],
    ['a mark that turns the direction', 'a\u202eb', 'a\\u{202e}b'],
    ['half a character', 'a\ud83d', 'a\ufffd'],
  ])('escapes %s', (_, text, shown) => {
    expect(printable(text)).toBe(shown)
  })

  it('keeps letters of any script', () => {
    expect(printable('größe 図 😀')).toBe('größe 図 😀')
  })

  it('escapes quotation marks', () => {
    expect(quoted('say "a"')).toBe('"say \\"a\\""')
  })

  it('keeps line ends, and no other control character', () => {
    expect(printableLines('at\tx\r\n\u001b[2J\u202ey\n')).toBe('at    x\n\\u{1b}[2J\\u{202e}y\n')
  })

  it('lists some of many names', () => {
    expect(someOf(['a', 'b'], 2)).toBe('a, b')
    expect(someOf(['a', 'b', 'c'], 2)).toBe('a, b, …')
  })
})

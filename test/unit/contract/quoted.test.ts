import { describe, expect, it } from 'vitest'
import { cutText, printable, printableLines, quoted, someOf } from '../../../src/contract/quoted.ts'

describe('an untrusted text in a message', () => {
  it('is truncated between characters, never within one', () => {
    expect(['ab😀c', 'abc😀', 'abcd', 'abcde'].map((text) => cutText(text, 4))).toEqual([
      'ab😀…',
      'abc…',
      'abcd',
      'abcd…',
    ])
    expect(cutText('abc😀', 5)).toBe('abc😀')
  })

  it.each([
    ['a newline', 'a\r\nb', 'a\\u{d}\\u{a}b'],
    ['a control sequence', '\u001b[31m', '\\u{1b}[31m'],
    ['a C1 control character', '\u009b31m', '\\u{9b}31m'],
    ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
    ['a mark that reverses text', 'a\u202eb', 'a\\u{202e}b'],
    ['half a surrogate pair', 'a\ud83d', 'a\ufffd'],
  ])('is escaped when it contains %s', (_, text, shown) => {
    expect(printable(text)).toBe(shown)
  })

  it('may have letters of any script', () => {
    expect(printable('größe 図 😀')).toBe('größe 図 😀')
  })

  it('has escaped quotation marks', () => {
    expect(quoted('say "a"')).toBe('"say \\"a\\""')
  })

  it('may have line ends, but no other control characters', () => {
    expect(printableLines('at\tx\r\n\u001b[2J\u202ey\n')).toBe('at    x\n\\u{1b}[2J\\u{202e}y\n')
  })

  it('is shortened when it is a long list of names', () => {
    expect(someOf(['a', 'b'], 2)).toBe('a, b')
    expect(someOf(['a', 'b', 'c'], 2)).toBe('a, b, …')
  })
})

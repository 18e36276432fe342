import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { listInput, provision, readOutput, refusalOf } from './codec-calls.ts'

const type = { id: 'string', minLength: 0 } as const
const short = { id: 'string', minLength: 2, maxLength: 5 } as const

describe('string parameters', () => {
  it('store and list every text unchanged; outputs lose surrounding white space', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!text.includes('\0'))
        expect(provision(type, text)).toEqual({ fileText: text, value: text })
        expect(listInput(type, text)).toBe(text)
        expect(readOutput(type, `\n${text}\n`)).toBe(text.trim())
      }),
    )
  })

  it.each([5, true, ['a'], {}, null, '\ud83d'])('refuse %j', (value) => {
    expect(refusalOf(() => provision(type, value))).toBe('INTERNAL_PARAMETER_TYPE_ERROR')
  })

  it.each(['ab', 'abcde', '😀'])('with lengths from 2 to 5 accept %s', (text) => {
    expect(provision(short, text).value).toBe(text)
  })

  it.each([
    ['a', 'INTERNAL_PARAMETER_GT_VALIDATION_ERROR'],
    ['abcdef', 'INTERNAL_PARAMETER_GEQ_VALIDATION_ERROR'],
  ])('with lengths from 2 to 5 refuse %s, as inputs and outputs', (text, error) => {
    expect(refusalOf(() => provision(short, text))).toBe(error)
    expect(refusalOf(() => readOutput(short, text))).toBe(error)
  })

  it('measure an output without its surrounding white space', () => {
    expect(readOutput(short, '  abcde\n')).toBe('abcde')
    expect(refusalOf(() => readOutput(short, ' a '))).toBe('INTERNAL_PARAMETER_GT_VALIDATION_ERROR')
  })

  it.each(['\0', 'a\0b'])('refuse %j as inputs and outputs, because core cannot store it', (text) => {
    expect(refusalOf(() => provision(type, text))).toBe('INTERNAL_PARAMETER_TYPE_ERROR')
    expect(refusalOf(() => readOutput(type, text))).toBe('INTERNAL_PARAMETER_TYPE_ERROR')
    expect(() => provision(type, 'naïve\0')).toThrow(/NUL character \(U\+0000\) after "naïve"/u)
  })

  it('may be blank', () => {
    expect(readOutput(type, ' \n')).toBe('')
  })
})

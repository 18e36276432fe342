import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseNumber } from '../../../../src/task/parameters/number.ts'
import { listInput, provision, readOutput, refusalOf } from './codec-calls.ts'

const plain = { id: 'number', infinityAllowed: false, nanAllowed: false } as const
const special = { id: 'number', infinityAllowed: true, nanAllowed: true } as const

describe('number parameters', () => {
  it('store and list every finite value unchanged', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const { fileText, value: echo } = provision(plain, value)

        expect(echo).toBe(value + 0)
        expect(listInput(plain, fileText)).toBe(value + 0)
        expect(readOutput(plain, `${fileText}\n`)).toBe(value + 0)
      }),
    )
  })

  it.each([
    ['nan', 'nan', 'NaN'],
    ['NaN', 'nan', 'NaN'],
    ['inf', 'inf', 'Infinity'],
    ['Infinity', 'inf', 'Infinity'],
    ['-INF', '-inf', '-Infinity'],
    ['1e999', 'inf', 'Infinity'],
  ])('store %s as %s and list it as %s', (value, fileText, shown) => {
    expect(provision(special, value)).toEqual({ fileText, value: shown })
    expect(listInput(special, fileText)).toBe(shown)
    expect(readOutput(special, fileText)).toBe(shown)
  })

  it.each([
    [6.125, '6.125'],
    [-12, '-12'],
    [1e-7, '1e-7'],
    ['+1.50', '1.5'],
    [-0, '0'],
  ])('store %j as %s', (value, fileText) => {
    expect(provision(plain, value).fileText).toBe(fileText)
  })

  it.each([
    ['NaN', 'INTERNAL_PARAMETER_NAN_ERROR'],
    ['inf', 'INTERNAL_PARAMETER_INFINITY_ERROR'],
    ['-Infinity', 'INTERNAL_PARAMETER_INFINITY_ERROR'],
  ])('refuse %s where it is not allowed, as inputs and outputs', (value, error) => {
    expect(refusalOf(() => provision(plain, value))).toBe(error)
    expect(refusalOf(() => readOutput(plain, value))).toBe(error)
  })

  it('check an infinity against the bounds first, and NaN against none', () => {
    const bounds = { gt: 0, geq: 0, lt: 1, leq: 1 }

    expect(refusalOf(() => provision({ ...plain, ...bounds }, 'inf'))).toBe(
      'INTERNAL_PARAMETER_LT_VALIDATION_ERROR',
    )
    expect(provision({ ...special, ...bounds }, 'nan').value).toBe('NaN')
  })

  it.each([
    [1.0001, 'INTERNAL_PARAMETER_LEQ_VALIDATION_ERROR'],
    [-0.25, 'INTERNAL_PARAMETER_GEQ_VALIDATION_ERROR'],
  ])('refuse %s when the bounds are 0 and 1', (value, error) => {
    expect(refusalOf(() => provision({ ...plain, geq: 0, leq: 1 }, value))).toBe(error)
  })

  it.each([true, [1], {}, null, '', 'twelve', ' 1'])('refuse %j', (value) => {
    expect(refusalOf(() => provision(special, value))).toBe('INTERNAL_PARAMETER_TYPE_ERROR')
  })
})

describe('numbers in files', () => {
  it.each([
    ['5', 5],
    ['-5.', -5],
    ['.5', 0.5],
    ['+1E+3', 1000],
    ['2.5e-3', 0.0025],
    ['007', 7],
    ['infinity', Number.POSITIVE_INFINITY],
    ['+Inf', Number.POSITIVE_INFINITY],
    ['-INF', Number.NEGATIVE_INFINITY],
    ['NAN', Number.NaN],
    ['-0.0', 0],
  ])('are read from %s as %s', (text, value) => {
    expect(parseNumber(text)).toBe(value)
  })

  it.each(['', '.', 'e5', '1e', '1e5.0', '0x10', '1_000', '1,5', '--1', '1f', 'in', '+nan', '1 2', '٣'])(
    'cannot be read from %j',
    (text) => {
      expect(parseNumber(text)).toBeUndefined()
    },
  )

  it('are refused as of a wrong type, and in a blank file as blank', () => {
    expect(refusalOf(() => readOutput(special, 'five'))).toBe('INTERNAL_PARAMETER_TYPE_ERROR')
    expect(refusalOf(() => readOutput(special, ''))).toBe('INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_BLANK')
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseInteger } from '../../../../src/task/parameters/integer.ts'
import { listInput, provision, readOutput, refusalOf } from './codec-calls.ts'

const type = { id: 'integer' } as const
const integers = fc.maxSafeInteger()
const signs = fc.constantFrom('', '+', '-')

describe('integer parameters', () => {
  it('store and list every value unchanged', () => {
    fc.assert(
      fc.property(integers, (value) => {
        const { fileText, value: echo } = provision(type, value)

        expect(echo).toBe(value + 0)
        expect(fileText).toMatch(/^-?\d+$/u)
        expect(listInput(type, fileText)).toBe(value + 0)
        expect(readOutput(type, ` ${fileText}\n`)).toBe(value + 0)
      }),
    )
  })

  it.each([
    [5.0, 5],
    [-0, 0],
    ['5', 5],
    ['-0x1F', -31],
    [3_735_931_646, 3_735_931_646],
  ])('accept %j as %s', (value, integer) => {
    expect(provision(type, value)).toEqual({ fileText: String(integer), value: integer })
  })

  it.each([2.5, 2 ** 53, -(2 ** 53), true, [1], {}, null, '', ' 5', '5.0', '9007199254740992'])(
    'refuse %j',
    (value) => {
      expect(refusalOf(() => provision(type, value))).toBe('INTERNAL_PARAMETER_TYPE_ERROR')
    },
  )

  it.each([
    [{ gt: 0 }, 0, 'INTERNAL_PARAMETER_GT_VALIDATION_ERROR'],
    [{ geq: 0 }, -1, 'INTERNAL_PARAMETER_GEQ_VALIDATION_ERROR'],
    [{ lt: 0 }, 0, 'INTERNAL_PARAMETER_LT_VALIDATION_ERROR'],
    [{ leq: 0 }, 1, 'INTERNAL_PARAMETER_LEQ_VALIDATION_ERROR'],
    [{ gt: 5, geq: 5, lt: 1, leq: 1 }, 3, 'INTERNAL_PARAMETER_GT_VALIDATION_ERROR'],
    [{ lt: 1, leq: 1 }, 3, 'INTERNAL_PARAMETER_LT_VALIDATION_ERROR'],
  ])('with bounds %j refuse %s, as inputs and outputs', (bounds, value, error) => {
    const bounded = { ...type, ...bounds }

    expect(refusalOf(() => provision(bounded, value))).toBe(error)
    expect(refusalOf(() => readOutput(bounded, String(value)))).toBe(error)
  })

  it('with bounds accept the values between them', () => {
    expect(provision({ ...type, gt: 0, geq: 1, lt: 3, leq: 2 }, 2).value).toBe(2)
  })
})

describe('integers in files', () => {
  it.each([
    ['binary', 2, '0b'],
    ['octal', 8, '0'],
    ['decimal', 10, ''],
    ['hexadecimal', 16, '0x'],
  ])('may be %s, signed, with underscores', (_name, base, prefix) => {
    fc.assert(
      fc.property(signs, fc.nat(), (sign, value) => {
        const digits = [...value.toString(base)].join('_')

        expect(parseInteger(`${sign}${prefix}${digits}`)).toBe(sign === '-' && value !== 0 ? -value : value)
      }),
    )
  })

  it.each([
    ['017', 15],
    ['0x_ff_', 255],
    ['0b1_0', 2],
    ['1_000', 1000],
    ['0', 0],
    ['-0', 0],
    ['0_', 0],
    [`0b${'0'.repeat(500)}1`, 1],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    [`0b${'1'.repeat(53)}`, Number.MAX_SAFE_INTEGER],
  ])('are read from %s as %s', (text, value) => {
    expect(parseInteger(text)).toBe(value)
  })

  it.each([
    '',
    '+',
    '--1',
    '08',
    '0b',
    '0b_',
    '0b2',
    '0x',
    '0xg',
    '_1',
    '1.0',
    '1e3',
    '0B1',
    '0X1',
    '٣',
    '9007199254740992',
    '9'.repeat(10_000),
  ])('cannot be read from %s', (text) => {
    expect(parseInteger(text)).toBeUndefined()
  })

  it('are refused as of a wrong type, and in a blank file as blank', () => {
    expect(refusalOf(() => readOutput(type, '1.5'))).toBe('INTERNAL_PARAMETER_TYPE_ERROR')
    expect(refusalOf(() => readOutput(type, '\n'))).toBe('INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_BLANK')
  })
})

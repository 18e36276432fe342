import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareInstants, formatInstant, parseInstant } from '../../../../src/task/parameters/instant.ts'
import { listInput, provision, readOutput, refusalOf } from './codec-calls.ts'

const type = { id: 'datetime' } as const
const dates = fc.date({
  min: new Date('0001-01-01T00:00:00Z'),
  max: new Date('9998-12-31T23:59:59Z'),
  noInvalidDate: true,
})

describe('datetime parameters', () => {
  it('store a time as it was sent, and list it in UTC', () => {
    const text = '2024-02-23T19:00:00.500+01:00'

    expect(provision(type, text)).toEqual({ fileText: text, value: text })
    expect(listInput(type, text)).toBe('2024-02-23T18:00:00.500Z')
    expect(readOutput(type, `${text}\n`)).toBe('2024-02-23T18:00:00.500Z')
  })

  it.each([1_688_807_411, true, [], {}, null, '2023-07-08T09:10:11', 'now', ''])('refuse %j', (value) => {
    expect(refusalOf(() => provision(type, value))).toBe('INTERNAL_PARAMETER_TYPE_ERROR')
  })

  it.each([
    ['2022-03-04T05:06:08Z', 'INTERNAL_PARAMETER_BEFORE_ERROR'],
    ['2022-03-04T05:06:07.000000001Z', 'INTERNAL_PARAMETER_BEFORE_ERROR'],
    ['2021-03-04T05:06:06Z', 'INTERNAL_PARAMETER_AFTER_ERROR'],
    ['2021-03-04T05:06:07Z', undefined],
    ['2022-03-04T06:06:07+01:00', undefined],
  ])('with bounds check %s with the result %s, as inputs and outputs', (text, error) => {
    const bounded = { ...type, after: '2021-03-04T05:06:07Z', before: '2022-03-04T05:06:07Z' }

    expect(refusalOf(() => provision(bounded, text))).toBe(error)
    expect(refusalOf(() => readOutput(bounded, text))).toBe(error)
  })

  it('refuse a blank output as blank', () => {
    expect(refusalOf(() => readOutput(type, ' '))).toBe('INTERNAL_OUTPUT_FILE_FOR_PARAMETER_IS_BLANK')
  })
})

describe('instants', () => {
  it('are the same after formatting and parsing', () => {
    fc.assert(
      fc.property(dates, fc.integer({ min: 0, max: 999_999 }), (date, micros) => {
        const text = date.toISOString().replace('Z', `${String(micros).padStart(6, '0')}Z`)
        const instant = parseInstant(text)

        expect(instant && parseInstant(formatInstant(instant))).toEqual(instant)
        expect(instant?.epochSeconds).toBe(Math.floor(date.getTime() / 1000))
      }),
    )
  })

  it('are ordered by time', () => {
    fc.assert(
      fc.property(dates, dates, (a, b) => {
        const [first, second] = [parseInstant(a.toISOString()), parseInstant(b.toISOString())]
        if (first === undefined || second === undefined) throw new Error('a date is not an instant')

        expect(Math.sign(compareInstants(first, second))).toBe(Math.sign(a.getTime() - b.getTime()) + 0)
      }),
    )
  })

  it.each([
    ['2024-02-29T23:59:59Z', '2024-02-29T23:59:59Z'],
    ['2024-02-23t18:00:00z', '2024-02-23T18:00:00Z'],
    ['2024-02-23T18:00:00.000Z', '2024-02-23T18:00:00Z'],
    ['2024-02-23T18:00:00.5Z', '2024-02-23T18:00:00.500Z'],
    ['2024-02-23T18:00:00.123456Z', '2024-02-23T18:00:00.123456Z'],
    ['2024-02-23T18:00:00.000000100Z', '2024-02-23T18:00:00.000000100Z'],
    ['2024-01-01T00:30:00+0530', '2023-12-31T19:00:00Z'],
    ['2024-01-01T00:30:00-01', '2024-01-01T01:30:00Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00Z'],
  ])('are read from %s as %s', (text, utc) => {
    const instant = parseInstant(text)

    expect(instant && formatInstant(instant)).toBe(utc)
  })

  it.each([
    '2023-02-29T00:00:00Z',
    '2023-13-01T00:00:00Z',
    '2023-01-01T24:00:00Z',
    '2023-01-01T23:60:00Z',
    '2023-01-01T00:00:00+24:00',
    '2023-01-01T00:00:00+01:',
    '2023-01-01T00:00Z',
    '2023-01-01 00:00:00Z',
    '2023-01-01T00:00:00.Z',
    '2023-01-01T00:00:00.1234567890Z',
    '0000-01-01T00:00:00+00:01',
    ' 2023-01-01T00:00:00Z',
    '2023-01-01',
  ])('cannot be read from %j', (text) => {
    expect(parseInstant(text)).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import type { RunValue } from '../../../console/src/api/types.ts'
import { differenceOf } from '../../../console/src/pages/compare/difference.ts'

const aNumber = (value: number): RunValue => ({ parameterName: 'a', type: 'NUMBER', value })
const anImage = (sizeBytes: number): RunValue => ({
  parameterName: 'a',
  type: 'IMAGE',
  value: null,
  sizeBytes,
})
const numbers = (last: number, rest: Partial<RunValue> = {}): RunValue => ({
  ...{ parameterName: 'a', type: 'ARRAY', subType: 'NUMBER', ...rest },
  value: Array.from({ length: 100 }, (_, index) => ({ index, value: index === 99 ? last : index % 2 })),
})
const outline = (x: number): RunValue => ({
  ...{ parameterName: 'a', type: 'ARRAY', subType: 'GEOMETRY' },
  value: [{ index: 0, value: `{"type":"Point","coordinates":[${x},0]}` }],
})

describe('two values in the comparison of runs', () => {
  it.each<[string, RunValue | undefined, RunValue | undefined, string]>([
    ['equal numbers', aNumber(1), aNumber(1), 'none'],
    ['other numbers', aNumber(1), aNumber(2), 'some'],
    ['a value that one run lacks', aNumber(1), undefined, 'some'],
    ['a value that both runs lack', undefined, undefined, 'none'],
    ['arrays with the same mean and range', numbers(1), numbers(0.5), 'some'],
    ['equal arrays', numbers(1), numbers(1), 'none'],
    [
      'arrays of which only the beginning is listed',
      numbers(1, { truncated: true }),
      numbers(1, { truncated: true }),
      'unknown',
    ],
    ['as many other outlines', outline(1), outline(2), 'some'],
    ['images of other sizes', anImage(1), anImage(2), 'some'],
    ['images of one size, whose contents are not read', anImage(1), anImage(1), 'unknown'],
  ])('are compared by content: %s', (_, one, other, difference) => {
    expect(differenceOf(one, other)).toBe(difference)
  })
})

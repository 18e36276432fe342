import { describe, expect, it } from 'vitest'
import type { RunValue } from '../../../console/src/api/types.ts'
import { compareValues } from '../../../console/src/pages/compare/comparison.ts'
import { differenceOf } from '../../../console/src/pages/compare/difference.ts'

const common = { taskRunId: 'b30bd7b3-6ad9-4c3c-8b2c-0d8a5f7c9c11', parameterName: 'a' }
const aNumber = (value: number): RunValue => ({ ...common, type: 'NUMBER', value })
const anImage: RunValue = { ...common, type: 'IMAGE', value: null }
const aText = (sizeBytes: number): RunValue => ({
  ...common,
  type: 'STRING',
  value: 'beginning…',
  truncated: true,
  sizeBytes,
})
const numbers = (last: number): RunValue => ({
  ...common,
  type: 'ARRAY',
  subType: 'NUMBER',
  value: Array.from({ length: 100 }, (_, index) => ({ index, value: index === 99 ? last : index % 2 })),
})
const texts: RunValue = {
  ...common,
  type: 'ARRAY',
  subType: 'STRING',
  value: [{ index: 0, value: 'beginning…', truncated: true, sizeBytes: 2_000_000 }],
}
const outline = (x: number): RunValue => ({
  ...common,
  type: 'ARRAY',
  subType: 'GEOMETRY',
  value: [{ index: 0, value: `{"type":"Point","coordinates":[${x},0]}` }],
})

/** An array of arrays as the service lists it: its inner arrays name their run. */
const nested = (run: string, last: number): RunValue => ({
  ...common,
  ...{ type: 'ARRAY', subType: 'ARRAY' },
  value: [
    {
      ...{ index: 0, taskRunId: run, parameterName: 'a/0', type: 'ARRAY', subType: 'INTEGER' },
      value: [
        { index: 0, value: 1 },
        { index: 1, value: last },
      ],
    },
  ],
})

describe('two values in the comparison of runs', () => {
  it.each<[string, RunValue | undefined, RunValue | undefined, string]>([
    ['equal numbers', aNumber(1), aNumber(1), 'none'],
    ['different numbers', aNumber(1), aNumber(2), 'some'],
    ['a value that one run lacks', aNumber(1), undefined, 'some'],
    ['a value that both runs lack', undefined, undefined, 'none'],
    ['arrays with the same mean and range', numbers(1), numbers(0.5), 'some'],
    ['equal arrays', numbers(1), numbers(1), 'none'],
    ['texts of different sizes that begin alike', aText(2_000_000), aText(2_000_001), 'some'],
    ['texts of the same size that begin alike', aText(2_000_000), aText(2_000_000), 'unknown'],
    ['arrays with texts that begin alike', texts, texts, 'unknown'],
    ['the same number of different outlines', outline(1), outline(2), 'some'],
    ['images, whose contents are not read', anImage, anImage, 'unknown'],
    ['equal arrays of arrays', nested('one', 2), nested('other', 2), 'none'],
    ['different arrays of arrays', nested('one', 2), nested('other', 3), 'some'],
  ])('are compared by content: %s', (_, one, other, difference) => {
    expect(differenceOf(one, other)).toBe(difference)
  })
})

describe('two runs in the comparison', () => {
  it('have a row for each parameter of either, without long values', () => {
    const optional: RunValue = { ...common, parameterName: 'b', type: 'STRING', value: 'only here' }

    const rows = compareValues([numbers(1)], [numbers(0.5), optional])

    expect(rows).toEqual([
      {
        name: 'a',
        summaries: [expect.stringMatching(/^100 items, mean/u), expect.stringMatching(/^100 items, mean/u)],
        difference: 'some',
        isFile: false,
      },
      { name: 'b', summaries: [undefined, 'only here'], difference: 'some', isFile: false },
    ])
  })
})

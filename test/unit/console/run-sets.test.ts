import { describe, expect, it } from 'vitest'
import { placeInSet } from '../../../console/src/api/set-run-ids.ts'
import { barsOf, medianOf } from '../../../console/src/pages/set/durations.ts'
import { readTable } from '../../../console/src/pages/task/read-table.ts'
import { setIdOf, setRunId } from '../../../src/run/set/set-run-id.ts'
import { readRowTable } from '../../../src/run-set/row-table.ts'

describe('a run of a set', () => {
  const setId = setIdOf('0b9ff4f1-8d13-4d8e-9c1a-7d3f0a6c2b11')

  it.each([
    [0, 1],
    [9999, 99],
  ])('is known by its id: row %i of round %i', (row, round) => {
    expect(placeInSet(setRunId({ setId, row, round }))).toEqual({ setId, row: row + 1 })
  })

  it.each([setId, '0b9ff4f1-8d13-4d8e-9c1a-7d3f0a6c2b11', 'x'])('is not %s', (id) => {
    expect(placeInSet(id)).toBeUndefined()
  })
})

describe('the histogram of a run set', () => {
  const lasted = (...all: number[]) => all.map((seconds) => ({ seconds, hasFailed: seconds === 7 }))

  it('counts finished and failed runs in bars of equal width', () => {
    expect(barsOf(lasted(2.1, 2.2, 3.9, 7))).toMatchObject([
      { from: 2, finished: 2, failed: 0 },
      { from: 2.5, finished: 0 },
      { from: 3 },
      { from: 3.5, finished: 1 },
      { from: 4 },
      { from: 4.5 },
      { from: 5 },
      { from: 5.5 },
      { from: 6 },
      { from: 6.5 },
      { from: 7, to: 7.5, finished: 0, failed: 1 },
    ])
  })

  it.each([
    ['nothing', [], 0],
    ['one run', [3], 1],
    ['equal runs', [60, 60, 60], 1],
    ['runs of milliseconds and of weeks', [0.001, 3_000_000], 2],
  ])('has bars for %s', (_, all, least) => {
    const bars = barsOf(lasted(...all))

    expect(bars.length).toBeGreaterThanOrEqual(least)
    expect(bars.length).toBeLessThanOrEqual(17)
    expect(bars.reduce((sum, { finished, failed }) => sum + finished + failed, 0)).toBe(all.length)
  })

  it('has the upper of two middle durations as median', () => {
    expect([medianOf(lasted(9, 1, 5)), medianOf(lasted(1, 2)), medianOf([])]).toEqual([5, 2, undefined])
  })
})

describe('a table in the form of a run set', () => {
  it.each([
    ['CSV', 'a,b\n1,2\n3,4\n', ['a', 'b'], 2],
    ['CSV', '\uFEFFa, b\r\n\r\n1,"x, ""y""\nz"', ['a', 'b'], 1],
    ['CSV', 'a\n1\n2', ['a'], 2],
    ['CSV', 'a,b\n1,\n', ['a', 'b'], 1],
    ['JSON lines', '{"a": 1}\n\n{"b": [1, 2]}\n', ['a', 'b'], 2],
    ['JSON', '[{"a": 1}, {"a": 2}]', ['a'], 2],
  ] as const)('is read as the service reads it: %s %j', (format, text, columns, rows) => {
    const table = readTable(text)

    expect(table).toMatchObject({ format, columns, rows })
    expect(readRowTable(text)).toHaveLength(rows)
  })

  it('shows its first rows', () => {
    const { sample } = readTable(`text,n\n"one, two",1\n${'x'.repeat(100)},2\n3,3\n4,4`)

    expect(sample).toEqual([
      ['one, two', '1'],
      [`${'x'.repeat(60)}…`, '2'],
      ['3', '3'],
    ])
  })

  it.each([
    ['a,b\n', 'no row'],
    ['{"a": 1}\n{"a": }', 'Line 2 is not JSON'],
    ['{"a": 1}\n[1]', 'Line 2 is no object'],
    ['[{"a": 1}, 2]', 'Row 2 is no object'],
    ['a,b\n1,2\n3,"4"5\n', 'Line 3 has a quote'],
  ])('is refused with its place: %j', (text, words) => {
    expect(() => readTable(text)).toThrow(words)
    expect(() => readRowTable(text)).toThrow()
  })

  it('of 10 000 rows is read at once', () => {
    const begun = performance.now()

    const { rows } = readTable(`a,b\n${'1,"two, three"\n'.repeat(10_000)}`)

    expect(rows).toBe(10_000)
    expect(performance.now() - begun).toBeLessThan(2000)
  })
})

import { describe, expect, it } from 'vitest'
import { isOpen } from '../../../console/src/api/open-sets.ts'
import { barsOf, medianOf } from '../../../console/src/pages/set/durations.ts'
import { retryWords } from '../../../console/src/pages/set/retry-words.ts'
import { readTable } from '../../../console/src/pages/task/read-table.ts'
import { readRowTable } from '../../../src/run-set/row-table.ts'

describe('a run set that has ended', () => {
  const counts = { waiting: 0, active: 0, finished: 2, failed: 0, skipped: 0 }
  const ended = { state: 'CANCELLED', rows: 8, counts } as const

  it.each([
    ['RUNNING', {}, true],
    ['VALIDATING', {}, true],
    ['CANCELLED', { waiting: 1 }, true],
    ['CANCELLED', { skipped: 6 }, false],
    ['FAILED', { skipped: 8 }, false],
    ['FAILED', { active: 1 }, true],
    ['FINISHED', {}, false],
  ] as const)('is read again in state %s with %j: %s', (state, some, expected) => {
    expect(isOpen({ state, counts: { ...counts, ...some } })).toBe(expected)
  })

  it.each([
    [{}, undefined],
    [{ failed: 1 }, 'Retry the 1 failed row'],
    [{ skipped: 6 }, 'Run the 6 skipped rows'],
    [{ failed: 2, skipped: 4 }, 'Retry the 2 failed rows, run the 4 skipped'],
    [{ waiting: 1, failed: 1 }, undefined],
  ])('offers with %j to %s', (some, expected) => {
    expect(retryWords({ ...ended, counts: { ...counts, ...some } })?.action).toBe(expected)
  })

  it('offers no retry when its table was refused', () => {
    const problems = { count: 1, content: [] }
    expect(
      retryWords({ ...ended, state: 'FAILED', counts: { ...counts, skipped: 8 }, problems }),
    ).toBeUndefined()
  })

  it('offers a retry when a file of one row was removed while its runs were created', () => {
    const some = { ...counts, skipped: 8 }
    const set = { ...ended, state: 'FAILED', counts: some, problems: { count: 1, content: [] }, error: {} }

    expect(retryWords(set)?.action).toBe('Run the 8 skipped rows')
  })

  it('can be started again when it ended before its table was read', () => {
    expect(retryWords({ ...ended, rows: 0 })?.action).toBe('Start again')
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

  it('has the upper of the two middle durations as median', () => {
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
  ] as const)('is read like in the service: %s %j', (format, text, columns, rows) => {
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
    ['{"a": 1}\n[1]', 'Line 2 is not an object'],
    ['[{"a": 1}, 2]', 'Row 2 is not an object'],
    ['a,b\n1,2\n3,"4"5\n', 'Line 3 has a misplaced quote'],
  ])('is refused with the place of the problem: %j', (text, words) => {
    expect(() => readTable(text)).toThrow(words)
    expect(() => readRowTable(text)).toThrow()
  })

  it('may have a quoted value of 20 MB', () => {
    const { rows, sample } = readTable(`a,b\n"${'x'.repeat(20_000_000)}""",2\n`)

    expect(rows).toBe(1)
    expect(sample).toEqual([[`${'x'.repeat(60)}…`, '2']])
  })

  it('with 10 000 rows is read within 2 s', () => {
    const begun = performance.now()

    const { rows } = readTable(`a,b\n${'1,"two, three"\n'.repeat(10_000)}`)

    expect(rows).toBe(10_000)
    expect(performance.now() - begun).toBeLessThan(2000)
  })
})

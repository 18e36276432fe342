import { describe, expect, it } from 'vitest'
import type { Run } from '../../../console/src/api/types.ts'
import { completeAt, hasChanged, wordsForNoCost } from '../../../console/src/pages/run/run-record.ts'
import { newerRow } from '../../../console/src/pages/runs/list-reloads.ts'

const COST = {
  ...{ vcpuSeconds: 1, memoryGibSeconds: 2, diskGibSeconds: 0, gpuSeconds: 0 },
  ...{ usd: 0.01, pricesOf: '2026-01-01' },
}
const END = '2026-01-01T12:00:00Z'

const ended = (state: Run['state'], rest: Partial<Run> = {}) => ({
  ...{ state, createdAt: END, updatedAt: END, endedAt: END, history: [{ state, at: END, attempt: 1 }] },
  ...rest,
})

describe('the record of a run in the console', () => {
  it.each([
    ['a finished run', ended('FINISHED')],
    ['a run that took the outputs of another', ended('FINISHED', { history: [] })],
    ['a failed run with its cost', ended('FAILED', { cost: COST })],
    [
      'a run that was cancelled before it had a job',
      ended('FAILED', { history: [{ state: 'FAILED', at: END }] }),
    ],
  ])('is complete for %s', (_, run) => {
    expect(completeAt(run)).toBe(0)
  })

  it('is never complete for an active run', () => {
    expect(completeAt(ended('RUNNING'))).toBe(Number.POSITIVE_INFINITY)
  })

  it('may get the cost of a cancelled run for some minutes', () => {
    const minutes = (completeAt(ended('FAILED')) - Date.parse(END)) / 60_000

    expect(minutes).toBeGreaterThan(10)
    expect(minutes).toBeLessThan(15)
  })
})

describe('the cost of a run in the console', () => {
  it.each([
    ['an active run', ended('RUNNING'), 'known when the job has ended'],
    ['a run that failed a moment ago', ended('FAILED'), 'known when the job has ended'],
    [
      'a run that was cancelled before it had a job',
      ended('FAILED', { history: [] }),
      'none, because the run had no job',
    ],
    [
      'a run that took the outputs of another',
      ended('FINISHED', { history: [], reusedFrom: 'b30bd7b3-6ad9-4c3c-8b2c-0d8a5f7c9c11' }),
      'none, because the run was not executed',
    ],
  ])('has words when it is unknown: %s', (_, run, words) => {
    expect(wordsForNoCost(run)).toBe(words)
  })
})

describe('a version of a run in the console', () => {
  const version = { updatedAt: END }

  it.each([
    ['the same', version, false],
    ['a later change', { updatedAt: '2026-01-01T12:00:01Z' }, true],
    ['a late cost, which does not change its time', { ...version, cost: COST }, true],
  ])('is compared with a row: %s', (_, row, expected) => {
    expect(hasChanged(row, version)).toBe(expected)
  })

  it('is unknown before the run is loaded', () => {
    expect(hasChanged(version, undefined)).toBe(true)
  })

  const row = {
    id: 'run',
    state: 'FAILED',
    createdAt: END,
    task: { id: 'task', namespace: 'org.example', version: '1.0.0', name: 'Task' },
  } as const
  const old = { ...row, updatedAt: '2026-01-01T11:00:00Z' }
  const plain = { ...row, updatedAt: END }
  const costly = { ...row, updatedAt: END, cost: COST }

  it.each([
    ['by its time', old, plain, plain],
    ['by its cost', plain, costly, costly],
  ])('in a list is the newer one %s, whichever came first', (_, one, other, newer) => {
    expect(newerRow(one, other)).toBe(newer)
    expect(newerRow(other, one)).toBe(newer)
  })
})

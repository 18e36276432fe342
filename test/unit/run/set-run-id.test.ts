import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isUuid } from '../../../src/run/find-run.ts'
import { shareOf } from '../../../src/run/job/job-share.ts'
import {
  isSetId,
  MAX_ROUNDS,
  MAX_ROWS,
  placeInSet,
  setIdOf,
  setRunId,
} from '../../../src/run/set/set-run-id.ts'

describe('the id of a run of a set', () => {
  it('is a UUID that contains set, row and round', () => {
    const setId = setIdOf(randomUUID())
    for (const place of [
      { setId, row: 0, round: 1 },
      { setId, row: MAX_ROWS - 1, round: MAX_ROUNDS },
    ]) {
      const id = setRunId(place)
      expect(isUuid(id)).toBe(true)
      expect(isSetId(id)).toBe(false)
      expect(placeInSet(id)).toEqual(place)
    }
  })

  it('is never a random UUID (version 4), which other runs have', () => {
    for (let index = 0; index < 1000; index += 1) expect(placeInSet(randomUUID())).toBeUndefined()
  })
})

describe('the share of a job in its queue', () => {
  it('is one for all runs outside of sets, and another for all runs of a set', () => {
    const setId = setIdOf(randomUUID())
    const shares = [0, 1, 9].map((row) => shareOf(setRunId({ setId, row, round: 1 })))

    expect(new Set(shares).size).toBe(1)
    expect(shares[0]).toMatch(/^set\d+$/u)
    expect(shareOf(randomUUID())).toBe('runs')
  })

  it('is one of fewer than the 500 that Batch allows, for any number of sets', () => {
    const shares = Array.from({ length: 5000 }, () =>
      shareOf(setRunId({ setId: setIdOf(randomUUID()), row: 0, round: 1 })),
    )

    expect(new Set(shares).size).toBeLessThan(500)
  })
})

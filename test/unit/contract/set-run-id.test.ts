import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { MAX_ROWS } from '../../../src/contract/run-set-limits.ts'
import { isSetId, MAX_ROUNDS, placeInSet, setIdOf, setRunId } from '../../../src/contract/set-run-id.ts'
import { isUuid } from '../../../src/contract/uuid.ts'
import { shareOf } from '../../../src/run/job/job-share.ts'

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

  it('is not the id of the set', () => {
    expect(placeInSet(setIdOf(randomUUID()))).toBeUndefined()
  })

  it('is never a random UUID (version 4), as other runs have', () => {
    for (let index = 0; index < 1000; index += 1) expect(placeInSet(randomUUID())).toBeUndefined()
  })
})

describe('the share identifier of a job', () => {
  it('is the same for all runs outside of sets, and another for all runs of a set', () => {
    const setId = setIdOf(randomUUID())
    const shares = [0, 1, 9].map((row) => shareOf(setRunId({ setId, row, round: 1 })))

    expect(new Set(shares).size).toBe(1)
    expect(shares[0]).toMatch(/^set\d+$/u)
    expect(shareOf(randomUUID())).toBe('runs')
  })

  it('has fewer than 500 values, the maximum of Batch, for any number of sets', () => {
    const shares = Array.from({ length: 5000 }, () =>
      shareOf(setRunId({ setId: setIdOf(randomUUID()), row: 0, round: 1 })),
    )

    expect(new Set(shares).size).toBeLessThan(500)
  })
})

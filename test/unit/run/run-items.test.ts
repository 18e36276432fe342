import { describe, expect, it } from 'vitest'
import { decodeRun, encodeRun, inputKey, listedRunKey } from '../../../src/run/run-items.ts'
import { aRun, RUN_ID, TASK_ID } from '../../fixtures/builders.ts'

describe('run items', () => {
  it('leave updatedAt out before the first change, since an index sorts by it', () => {
    expect(encodeRun(aRun())).not.toHaveProperty('updatedAt')
    expect(decodeRun(encodeRun(aRun()))).toStrictEqual(aRun())
  })

  it.each([
    ['CREATED', false],
    ['QUEUING', true],
    ['RUNNING', true],
    ['FINISHED', false],
  ] as const)('of a run that is %s are in the index: %s', (state, isIndexed) => {
    expect('activeRuns' in encodeRun(aRun({ state }))).toBe(isIndexed)
  })

  it('are refused on reading when the state is not one of the eight', () => {
    expect(() => decodeRun({ ...encodeRun(aRun()), state: 'LOST' })).toThrow()
  })

  it('sort by creation in the listing of their task', () => {
    expect(listedRunKey(aRun())).toEqual({
      pk: `TASK#${TASK_ID}`,
      sk: `RUN#2026-01-01T00:00:00.000Z#${RUN_ID}`,
    })
  })

  it('lie beside their input values', () => {
    expect(inputKey({ runId: RUN_ID, parameterName: 'a', valueId: 'v' })).toEqual({
      pk: `RUN#${RUN_ID}`,
      sk: 'INPUT#a#v',
    })
  })
})

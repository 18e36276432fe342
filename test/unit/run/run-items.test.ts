import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { TABLE } from '../../../src/contract/environment.ts'
import { decodeRun, encodeRun, inputKey, listedRunKey } from '../../../src/run/run-items.ts'
import { aRun, RUN_ID, TASK_ID } from '../../fixtures/builders.ts'

describe('run items', () => {
  it('have no updatedAt before the first change, because an index sorts by it', () => {
    expect(encodeRun(aRun())).not.toHaveProperty('updatedAt')
    expect(decodeRun(encodeRun(aRun()))).toStrictEqual(aRun())
  })

  it.each([
    ['CREATED', false],
    ['QUEUING', true],
    ['RUNNING', true],
    ['FINISHED', false],
  ] as const)('of a run that is %s are in the unfinished index: %s', (state, isIndexed) => {
    expect('activeRuns' in encodeRun(aRun({ state }))).toBe(isIndexed)
  })

  it('are refused on reading when the state is none of the eight', () => {
    expect(() => decodeRun({ ...encodeRun(aRun()), state: 'LOST' })).toThrow()
  })

  it('are spread evenly over the partitions of the index of runs', () => {
    const partitions = Array.from({ length: 4000 }, () => encodeRun(aRun({ id: randomUUID() })).runShard)

    const counts = Object.values(Object.groupBy(partitions, String)).map((group) => group?.length ?? 0)
    expect(counts).toHaveLength(4)
    for (const count of counts) expect(count).toBeGreaterThan(800)
  })

  it('take less than 1 KB in the index of runs, the unit of a write', () => {
    const failure = { kind: 'output-staging-failed', message: '界'.repeat(10_000) } as const
    const entered = {
      RUNNING: { at: aRun().createdAt, attempt: 10 },
      FAILED: { at: aRun().createdAt, attempt: 10 },
    }
    const item = encodeRun(aRun({ state: 'FAILED', updatedAt: aRun().createdAt, entered, failure }))

    const names = ['pk', 'sk', 'runShard', 'runOrder', ...TABLE.runIndex.attributes]
    const carried = Object.fromEntries(names.flatMap((name) => (name in item ? [[name, item[name]]] : [])))
    expect(Buffer.byteLength(JSON.stringify(carried))).toBeLessThan(1024)
  })

  it('are sorted by creation in the listing of their task', () => {
    expect(listedRunKey(aRun())).toEqual({
      pk: `TASK#${TASK_ID}`,
      sk: `RUN#2026-01-01T00:00:00.000Z#${RUN_ID}`,
    })
  })

  it('share a partition with their input values', () => {
    expect(inputKey({ runId: RUN_ID, parameterName: 'a', valueId: 'v' })).toEqual({
      pk: `RUN#${RUN_ID}`,
      sk: 'INPUT#a#v',
    })
  })
})

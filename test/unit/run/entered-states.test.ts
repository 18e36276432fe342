import { describe, expect, it } from 'vitest'
import { historyOf } from '../../../src/run/entered-states.ts'
import { timingsOf } from '../../../src/run/run-timings.ts'
import { aRun } from '../../fixtures/builders.ts'

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()

describe('the history of a run', () => {
  it('contains only CREATED when an earlier version of the service stored the run', () => {
    expect(historyOf(aRun({ state: 'FINISHED' }))).toEqual([{ state: 'CREATED', at: at(0) }])
  })

  it('ends with CREATED when an input has lost its value', () => {
    const run = aRun({ entered: { CREATED: { at: at(2) }, PROVISIONED: { at: at(1) } } })

    expect(historyOf(run).map(({ state }) => state)).toEqual(['CREATED', 'PROVISIONED', 'CREATED'])
  })

  it('omits an earlier return to CREATED', () => {
    const entered = { CREATED: { at: at(2) }, PROVISIONED: { at: at(3) } }

    expect(historyOf(aRun({ state: 'PROVISIONED', entered })).map(({ state }) => state)).toEqual([
      'CREATED',
      'PROVISIONED',
    ])
  })

  it('keeps the order of states that were entered in the same millisecond', () => {
    const entered = { FAILED: { at: at(1) }, PENDING: { at: at(1) }, RUNNING: { at: at(1) } }

    expect(historyOf(aRun({ state: 'FAILED', entered })).map(({ state }) => state)).toEqual([
      'CREATED',
      'PENDING',
      'RUNNING',
      'FAILED',
    ])
  })
})

describe('the timings of a run', () => {
  it('are empty before it runs', () => {
    expect(timingsOf(aRun())).toEqual({})
  })

  it('include a task that failed before stage-out, up to the end of the run', () => {
    const run = aRun({
      state: 'FAILED',
      entered: { FAILED: { at: at(30) } },
      stageIn: { endedAt: at(10), seconds: 3 },
    })

    expect(timingsOf(run)).toEqual({ stageInSeconds: 3, taskSeconds: 20 })
  })

  it('omit the task when the reports belong to different job attempts', () => {
    const run = aRun({
      state: 'RUNNING',
      stageIn: { endedAt: at(30), seconds: 3 },
      stageOut: { endedAt: at(10), seconds: 1 },
    })

    expect(timingsOf(run)).toEqual({ stageInSeconds: 3, stageOutSeconds: 1 })
  })
})

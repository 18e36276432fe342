import { describe, expect, it } from 'vitest'
import { createSeededRandom } from '../../../local/batch/seeded-random.ts'
import { chooseFault } from '../../faults/faulty-proxy.ts'
import { planRuns } from '../../faults/run-plan.ts'

const SHARES = { fail: 0.2, 'lose-answer': 0.2, 'kill-after': 0.2 } as const
const CALLS = Array.from({ length: 50 }, () => 'dynamodb:GetItem')

describe('a seed of the fault test', () => {
  it('determines the fault of the nth call of an operation, independent of other operations', () => {
    const [alone, mixed] = [createSeededRandom(1), createSeededRandom(1)]

    const faults = CALLS.map((call) => chooseFault(call, SHARES, alone))
    const faultsAmongOthers = CALLS.map((call) => {
      chooseFault('states:StartExecution', SHARES, mixed)
      return chooseFault(call, SHARES, mixed)
    })

    expect(faultsAmongOthers).toEqual(faults)
    expect(new Set(faults)).toEqual(new Set([undefined, 'fail', 'lose-answer', 'kill-after']))
  })

  it('determines the planned runs', () => {
    expect(planRuns(50, createSeededRandom(1))).toEqual(planRuns(50, createSeededRandom(1)))
    expect(planRuns(50, createSeededRandom(2))).not.toEqual(planRuns(50, createSeededRandom(1)))
  })
})

describe('injected faults', () => {
  it('repeat responses only for task tokens', () => {
    const always = { repeat: 1 } as const

    expect(chooseFault('states:SendTaskSuccess', always, createSeededRandom(1))).toBe('repeat')
    expect(chooseFault('dynamodb:UpdateItem', always, createSeededRandom(1))).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import { waitingReason } from '../../../../src/run/job/waiting.ts'
import { RUN_STATES } from '../../../../src/run/transitions.ts'

const since = '2026-01-01T00:00:00.000Z'
const job = { attempt: 1, jobName: 'run-1', waiting: { reason: 'CAPACITY: none', since } }

describe('the reason why a run waits', () => {
  it.each([
    ['is not shown in the first ten minutes', '2026-01-01T00:09:59.999Z', undefined],
    ['is shown afterwards', '2026-01-01T00:10:00.000Z', 'CAPACITY: none'],
  ])('%s', (_, now, reason) => {
    expect(waitingReason({ state: 'PENDING', job }, new Date(now))).toBe(reason)
  })

  it('is shown for started runs without a machine', () => {
    const waiting = RUN_STATES.filter((state) => waitingReason({ state, job }, new Date('2026-02-01')))

    expect(waiting).toEqual(['QUEUING', 'QUEUED', 'PENDING'])
  })

  it('is absent when Batch gave none', () => {
    const { waiting: _, ...silent } = job

    expect(waitingReason({ state: 'PENDING', job: silent }, new Date('2026-02-01'))).toBeUndefined()
  })
})

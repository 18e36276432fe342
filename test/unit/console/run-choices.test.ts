import { describe, expect, it } from 'vitest'
import type { RunState } from '../../../console/src/api/types.ts'
import { choicesFor } from '../../../console/src/pages/run/run-choices.ts'

const ALONE = 'e5f1c3a2-0000-4000-8000-000000000001'
const IN_SET = 'e5f1c3a2-0000-8000-8000-000000010001'

const aRun = (id: string, ...states: readonly RunState[]) => ({
  id,
  state: states.at(-1) ?? 'CREATED',
  history: states.map((state) => ({ state, at: '2026-01-01T00:00:00Z' })),
})

describe('the actions for a run in the console', () => {
  it.each<[string, ReturnType<typeof aRun>, Partial<ReturnType<typeof choicesFor>>]>([
    ['a run with all inputs can be started', aRun(ALONE, 'CREATED', 'PROVISIONED'), { isStartable: true }],
    ['a run of a set cannot be started', aRun(IN_SET, 'CREATED', 'PROVISIONED'), { isStartable: false }],
    ['a run without its inputs cannot be started', aRun(ALONE, 'CREATED'), { isStartable: false }],
    [
      'a run that waits is deleted, not cancelled',
      aRun(IN_SET, 'CREATED', 'PROVISIONED'),
      { end: 'delete', isRepeatable: false },
    ],
    ['an active run is cancelled', aRun(ALONE, 'CREATED', 'PROVISIONED', 'QUEUED'), { end: 'cancel' }],
    [
      'a run that has ended can be repeated',
      aRun(IN_SET, 'CREATED', 'PROVISIONED', 'RUNNING', 'FINISHED'),
      { isRepeatable: true, end: 'delete' },
    ],
    [
      'a run that was cancelled before it had its inputs cannot be repeated',
      aRun(ALONE, 'CREATED', 'FAILED'),
      { isRepeatable: false, end: 'delete' },
    ],
  ])('%s', (_, run, expected) => {
    expect(choicesFor(run)).toMatchObject(expected)
  })
})

import { describe, expect, it } from 'vitest'
import { SERVER_STOPPED } from '../../../local/batch/attempt-outcome.ts'
import type { RunFailureKind } from '../../../src/contract/run-failure-kinds.ts'
import { type EndedRun, endOf, findViolations } from '../../faults/check-runs.ts'
import type { RunIntent, RunPlan } from '../../faults/run-plan.ts'
import type { StackState } from '../../faults/stack-state.ts'

const ID = '6f1f6a0e-0000-4000-8000-000000000001'

function aPlan(intent: RunIntent): RunPlan {
  return { number: 1, intent, disturbAfterMs: 0, task: 'example', inputs: {}, outputs: { sum: 3 } }
}

function finished(intent: RunIntent, outputs: EndedRun['outputs']): EndedRun {
  const view = { id: ID, state: 'FINISHED' } as const
  return { plan: aPlan(intent), id: ID, view, ...(outputs && { outputs }) }
}

function failed(intent: RunIntent, kind: RunFailureKind, rest: object = {}): EndedRun {
  const error = { kind, message: 'why', ...rest }
  return { plan: aPlan(intent), id: ID, view: { id: ID, state: 'FAILED', error } }
}

/** State of the stack after a run: the run's item, and a job with this status. */
function aStackState(
  status: 'SUCCEEDED' | 'FAILED' | 'RUNNING',
  changes: Partial<StackState> = {},
): StackState {
  const job = {
    jobId: 'job',
    jobName: `run-${ID}-1`,
    jobQueue: 'q',
    jobDefinition: 'd',
    startedAt: 1,
    status,
  }
  return {
    tableRuns: new Map([[ID, { isActive: false }]]),
    jobs: new Map([[ID, [job]]]),
    runningExecutions: [],
    objects: new Map(),
    containers: [],
    stagers: [],
    ...changes,
  }
}

const countViolations = (run: EndedRun, status: 'SUCCEEDED' | 'FAILED'): number =>
  findViolations([run], [], aStackState(status)).length

describe('the check of the fault test', () => {
  it.each([
    ['that is FINISHED with its outputs', finished('complete', { sum: 3 }), 'SUCCEEDED'],
    ['whose task failed', failed('fail', 'task-failed', { exitCode: 1 }), 'FAILED'],
    ['that was cancelled', failed('cancel', 'cancelled'), 'SUCCEEDED'],
    ['whose server was killed', failed('complete', 'engine-error', { message: SERVER_STOPPED }), 'FAILED'],
  ] as const)('accepts a run %s', (_, run, status) => {
    expect(countViolations(run, status)).toBe(0)
  })

  it.each([
    ['FINISHED with another output', finished('complete', { sum: 4 }), 'SUCCEEDED'],
    ['FINISHED with an undeclared output', finished('complete', { sum: 3, more: 1 }), 'SUCCEEDED'],
    ['FINISHED with outputs that cannot be read', finished('complete', new Error('gone')), 'SUCCEEDED'],
    ['FINISHED although its task failed', finished('fail', {}), 'FAILED'],
    ['FAILED although its job succeeded', failed('complete', 'engine-error'), 'SUCCEEDED'],
    ['FAILED by the engine itself', failed('complete', 'engine-error'), 'FAILED'],
    ['cancelled without a request', failed('complete', 'cancelled'), 'FAILED'],
    ['failed with another exit code', failed('fail', 'task-failed', { exitCode: 137 }), 'FAILED'],
  ] as const)('refuses a run that is %s', (_, run, status) => {
    expect(countViolations(run, status)).toBe(1)
  })

  it('reports a run that exists after its deletion', () => {
    expect(countViolations(finished('delete', { sum: 3 }), 'SUCCEEDED')).toBeGreaterThan(0)
  })

  it('reports a run that does not exist or never ends', () => {
    const goesOn: EndedRun = { plan: aPlan('complete'), id: ID, view: { id: ID, state: 'PENDING' } }
    const gone: EndedRun = { plan: aPlan('complete'), id: ID, view: undefined }

    expect([countViolations(goesOn, 'FAILED'), countViolations(gone, 'FAILED')]).toEqual([1, 1])
  })

  it.each([
    ['jobs', aStackState('RUNNING')],
    ['executions', aStackState('SUCCEEDED', { runningExecutions: [ID] })],
    ['containers', aStackState('SUCCEEDED', { containers: ['task'] })],
    ['stagers', aStackState('SUCCEEDED', { stagers: ['node stager.mjs'] })],
    [
      'entries in the unfinished index',
      aStackState('SUCCEEDED', { tableRuns: new Map([[ID, { isActive: true }]]) }),
    ],
    [
      'objects',
      aStackState('SUCCEEDED', { objects: new Map([['another', ['task-run-outputs-another/x']]]) }),
    ],
  ] as const)('refuses %s that remain after the runs', (_, state) => {
    expect(findViolations([finished('complete', { sum: 3 })], [], state)).toHaveLength(1)
  })

  it('reports items of a deleted run', () => {
    const deleted: EndedRun = { plan: aPlan('delete'), id: ID, view: undefined }

    expect(findViolations([deleted], [], aStackState('FAILED'))).toHaveLength(1)
    expect(findViolations([deleted], [], aStackState('FAILED', { tableRuns: new Map() }))).toEqual([])
  })

  it('reports items and objects of a deleted run set, and of its runs', () => {
    const setId = '22222222-2222-8222-8222-222222000000'
    const runId = '22222222-2222-8222-8222-222222010003'
    const other = '33333333-3333-8333-8333-333333000000'
    const stateWith = (tableRuns: readonly string[], objects: readonly string[]) =>
      aStackState('SUCCEEDED', {
        tableRuns: new Map(tableRuns.map((id) => [id, { isActive: false }])),
        objects: new Map(objects.map((id) => [id, [`task-run-set-${id}/rows`]])),
      })

    expect(findViolations([], [setId], stateWith([runId], []))).toHaveLength(1)
    expect(findViolations([], [setId], stateWith([], [setId]))).toHaveLength(1)
    expect(findViolations([], [setId], stateWith([other], [other]))).toEqual([])
  })

  it('names an end by state and failure kind', () => {
    expect([endOf(finished('complete', {})), endOf(failed('cancel', 'cancelled'))]).toEqual([
      'FINISHED',
      'FAILED cancelled',
    ])
  })
})

import { describe, expect, it } from 'vitest'
import { matchesGlob, shouldRetry } from '../../../../local/batch/retry-strategy.ts'
import { aDefinition } from './builders.ts'

const { retryStrategy } = aDefinition()
const strategy = {
  attempts: retryStrategy.attempts,
  evaluateOnExit: retryStrategy.evaluateOnExit.map((rule) => ({ ...rule })),
}

describe('patterns of a retry strategy', () => {
  it.each([
    ['CannotPull*', 'CannotPullContainerError: gone', true],
    ['cannotpull*', 'CannotPullContainerError: gone', true],
    ['*', '', true],
    ['137', '137', true],
    ['137', '1370', false],
    ['CannotPull', 'CannotPullContainerError', false],
    ['Host EC2*', 'The Host EC2 is gone', false],
  ])('of the form %s match "%s": %s', (pattern, text, expected) => {
    const matches = matchesGlob(pattern, text)

    expect(matches).toBe(expected)
  })
})

describe('whether a job of the service is retried', () => {
  const failed = (statusReason: string, task: { reason?: string; exitCode?: number }, last?: object) => ({
    statusReason,
    containers: [{ exitCode: 0 }, task, ...(last === undefined ? [] : [last])],
  })
  const neverStarted = {
    exitCode: 143,
    reason: 'CannotStartContainerError: dependency graph: failed to resolve',
  }
  const exited = 'Essential container in task exited'
  const unstarted = 'Task failed to start'

  it.each([
    ['a lost host', failed('Host EC2 (instance i-1) terminated.', { exitCode: 137 }, neverStarted), true],
    ['a spot machine', failed('Your Spot Task was interrupted.', { exitCode: 143 }, neverStarted), true],
    ['an image that cannot be pulled', failed(unstarted, { reason: 'CannotPullContainerError: x' }), true],
    [
      'such an image, with containers after it',
      failed(unstarted, { reason: 'CannotPullContainerError: x' }, neverStarted),
      true,
    ],
    [
      'a container that was not started in time',
      failed(unstarted, { reason: 'DockerTimeoutError: 3m0s' }),
      true,
    ],
    ['a task that failed to start', failed(unstarted, {}), true],
    [
      'a failed control group',
      failed("CgroupError: Agent could not create task's platform resources", {}),
      true,
    ],
    ['a task that exits with 1', failed(unstarted, { exitCode: 1 }, neverStarted), false],
    ['such a task, with another message', failed(exited, { exitCode: 1 }, neverStarted), false],
    ['stage-out that exits with 1', failed(exited, { exitCode: 0 }, { exitCode: 1 }), false],
    [
      'a command that does not exist',
      failed(unstarted, { reason: 'CannotStartContainerError: exec' }),
      false,
    ],
    [
      'a task that ran out of memory',
      failed(unstarted, { exitCode: 137, reason: 'OutOfMemoryError: Container killed' }, neverStarted),
      false,
    ],
  ])('for %s: %s', (_, attempt, expected) => {
    const isRetried = shouldRetry(strategy, attempt, 1)

    expect(isRetried).toBe(expected)
  })

  it('is decided by at most 5 rules, the maximum of Batch', () => {
    expect(strategy.evaluateOnExit.length).toBeLessThanOrEqual(5)
  })

  it('is no longer true at the last attempt', () => {
    const isRetried = shouldRetry(strategy, failed('Host EC2 gone', {}), 3)

    expect(isRetried).toBe(false)
  })

  it('is true when no rule matches', () => {
    const rules = { attempts: 2, evaluateOnExit: [{ action: 'EXIT', onExitCode: '137' }] }

    const isRetried = shouldRetry(rules, failed(exited, { exitCode: 1 }), 1)

    expect(isRetried).toBe(true)
  })
})

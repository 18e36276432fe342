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
  ])('%s on "%s" gives %s', (pattern, text, expected) => {
    const matches = matchesGlob(pattern, text)

    expect(matches).toBe(expected)
  })
})

describe('retry of the service’s jobs', () => {
  const failed = (statusReason: string, reason?: string) => ({
    statusReason,
    containers: [{ exitCode: 0 }, reason === undefined ? { exitCode: 1 } : { reason }],
  })

  it.each([
    ['a lost host', failed('Host EC2 (instance i-1) terminated.'), true],
    ['an image that cannot be pulled', failed('Task failed to start', 'CannotPullContainerError: x'), true],
    ['a task that exits with 1', failed('Task failed to start'), false],
    ['no memory', failed('Task failed to start', 'OutOfMemoryError: Container killed'), false],
  ])('%s: %s', (_, attempt, expected) => {
    const isRetried = shouldRetry(strategy, attempt, 1)

    expect(isRetried).toBe(expected)
  })

  it('ends with the last attempt', () => {
    const isRetried = shouldRetry(strategy, failed('Host EC2 gone'), 3)

    expect(isRetried).toBe(false)
  })

  it('comes without a rule that matches', () => {
    const rules = { attempts: 2, evaluateOnExit: [{ action: 'EXIT', onExitCode: '137' }] }

    const isRetried = shouldRetry(rules, failed('Essential container in task exited'), 1)

    expect(isRetried).toBe(true)
  })
})

import { describe, expect, it } from 'vitest'
import { hasRejectedOutputs } from '../../../cli/service/schemas.ts'

describe('a failed run', () => {
  it.each([
    ['an output was refused', { kind: 'output-invalid', message: 'x' }, true],
    ['its task ended with an exit code', { kind: 'task-failed', message: 'x', exitCode: 3 }, true],
    ['its task ran out of memory', { kind: 'out-of-memory', message: 'x', exitCode: 137 }, true],
    ['its task was not started', { kind: 'task-failed', message: 'x' }, false],
    ['its inputs did not arrive', { kind: 'input-staging-failed', message: 'x' }, false],
    ['no reason is given', undefined, false],
  ])('has rejected outputs to download if the task ran: %s', (_, error, has) => {
    expect(hasRejectedOutputs({ error })).toBe(has)
  })
})

import { describe, expect, it } from 'vitest'
import type { RunFailure } from '../../../src/run/run.ts'
import { reasonKey } from '../../../src/run/set/set-counts.ts'

type Reason = Omit<RunFailure, 'attempt'>

const invalid = (message: string): Reason => ({ kind: 'output-invalid', message })
const ended = (exitCode: number): Reason => ({
  kind: 'task-failed',
  message: `the task ended with exit code ${exitCode}`,
  exitCode,
})

describe('the reason of a failure', () => {
  it.each<readonly [what: string, Reason, Reason]>([
    ['exit codes', ended(1), ended(137)],
    ['kinds', invalid('x'), { ...invalid('x'), kind: 'output-missing' }],
    ['outputs', invalid('output "sum": it is empty'), invalid('output "mask": it is empty')],
    ['numbered outputs', invalid('output "mask1": it is empty'), invalid('output "mask2": it is empty')],
    ['words', invalid('the file is empty'), invalid('the file is too large')],
  ])('differs for different %s', (_, one, other) => {
    expect(reasonKey(one)).not.toBe(reasonKey(other))
  })

  it.each<readonly [what: string, Reason, Reason]>([
    ['log lines', { ...ended(3), message: 'failed\nslide a' }, { ...ended(3), message: 'failed\nslide b' }],
    ['numbers', invalid('it has 17 bytes'), invalid('it has 2 bytes')],
    [
      'values',
      invalid('output "sum": "apple" is not an integer; expected 5'),
      invalid('output "sum": "pear \\" tree" is not an integer; expected 5'),
    ],
    [
      'items',
      invalid('output "sums", item 3: "a" is not an integer'),
      invalid('output "sums", item 4: "b" is not an integer'),
    ],
    [
      'hosts',
      { kind: 'host-lost', message: 'Host EC2 (instance i-0abc12de) terminated.' },
      { kind: 'host-lost', message: 'Host EC2 (instance i-77fe01aa) terminated.' },
    ],
    [
      'UUIDs',
      { kind: 'engine-error', message: 'run 279c70e2-3dd8-49a3-b253-27956325c74f is gone' },
      { kind: 'engine-error', message: 'run 0b9ff4f1-8d13-4d8e-9c1a-7d3f0a6c2b11 is gone' },
    ],
  ])('is the same for different %s', (_, one, other) => {
    expect(reasonKey(one)).toBe(reasonKey(other))
  })

  it('is found in a message of any length', () => {
    expect(reasonKey(invalid('"'.repeat(1_000_000)))).toMatch(/^output-invalid:/u)
  })
})

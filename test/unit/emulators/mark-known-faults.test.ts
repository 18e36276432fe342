import type { RunnerTestSuite as Suite, RunnerTestCase as TestCase } from 'vitest'
import { describe, expect, it } from 'vitest'
import { markKnownFaults } from '../../emulators/mark-known-faults.ts'

const aTest = (name: string): TestCase => ({ type: 'test', name, meta: {} }) as TestCase

const fault = { suite: 'workflow', reason: 'the emulator stops nothing', link: 'https://example.org/1' }

describe('known faults of an emulator', () => {
  const stops = aTest('stops')
  const starts = aTest('starts')
  const group = { type: 'suite', name: 'group', tasks: [stops, starts] } as unknown as Suite
  const file = { type: 'suite', name: 'workflow.test.ts', tasks: [group] } as unknown as Suite

  it('are expected to fail, and no other tests are', () => {
    markKnownFaults(file, [{ ...fault, test: 'group > stops' }])

    expect([stops.fails, starts.fails]).toEqual([true, undefined])
    expect(stops.meta).toEqual({ knownFault: fault.reason })
  })

  it('are refused when no test has this name', () => {
    expect(() => markKnownFaults(file, [{ ...fault, test: 'stops' }])).toThrow('has no test "stops"')
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  canFollow,
  isActive,
  isFinal,
  isProvisionable,
  RUN_STATES,
  type RunState,
  statesBefore,
} from '../../../src/run/transitions.ts'

const rank = (state: RunState): number =>
  state === 'FAILED' || state === 'FINISHED' ? 6 : RUN_STATES.indexOf(state)

describe('run transitions', () => {
  it.each([
    ['CREATED', 'PROVISIONED'],
    ['PROVISIONED', 'CREATED'],
    ['PROVISIONED', 'QUEUING'],
    ['QUEUING', 'RUNNING'],
    ['QUEUED', 'FINISHED'],
    ['RUNNING', 'FAILED'],
    ['CREATED', 'FAILED'],
    ['PROVISIONED', 'FAILED'],
    ['PROVISIONED', 'FINISHED'],
  ] as const)('allow %s to become %s', (from, to) => {
    expect(canFollow(from, to)).toBe(true)
  })

  it.each([
    ['CREATED', 'QUEUING'],
    ['CREATED', 'FINISHED'],
    ['RUNNING', 'PENDING'],
    ['QUEUED', 'QUEUING'],
    ['FINISHED', 'RUNNING'],
    ['FAILED', 'FINISHED'],
  ] as const)('never allow %s to become %s', (from, to) => {
    expect(canFollow(from, to)).toBe(false)
  })

  it('only increase the rank from QUEUING on, for any order of events', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...RUN_STATES)), (events) => {
        let state: RunState = 'QUEUING'
        for (const to of events) {
          if (!canFollow(state, to)) continue
          expect(rank(to)).toBeGreaterThan(rank(state))
          state = to
        }
      }),
    )
  })

  it('have each state in one group: inputs open, active, or final', () => {
    for (const state of RUN_STATES) {
      expect([isProvisionable(state), isActive(state), isFinal(state)].filter(Boolean)).toHaveLength(1)
    }
  })

  it('have a list of the states before each state', () => {
    expect(statesBefore('QUEUING')).toEqual(['PROVISIONED'])
    expect(statesBefore('FINISHED')).toEqual(['PROVISIONED', 'QUEUING', 'QUEUED', 'PENDING', 'RUNNING'])
  })
})

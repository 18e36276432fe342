import { describe, expect, it } from 'vitest'
import { codecOf, nullErrorOf, runValueType } from '../../../../src/task/parameters/registry.ts'

describe('the registry of parameter types', () => {
  // The contract's parameter-io 1.3.
  it.each([
    ['boolean', 'INTERNAL_NULL_PROVISION'],
    ['integer', 'INTERNAL_NULL_PROVISION'],
    ['number', 'INTERNAL_NULL_PROVISION'],
    ['string', 'INTERNAL_NULL_PROVISION'],
    ['enumeration', 'INTERNAL_NULL_PROVISION'],
    ['array', 'INTERNAL_NULL_PROVISION'],
    ['datetime', 'INTERNAL_PARAMETER_TYPE_ERROR'],
    ['geometry', 'INTERNAL_PARAMETER_TYPE_ERROR'],
    ['image', 'INTERNAL_PARAMETER_TYPE_ERROR'],
    ['file', 'INTERNAL_PARAMETER_TYPE_ERROR'],
  ] as const)('refuses null for a required %s with %s', (id, error) => {
    expect(nullErrorOf(id)).toBe(error)
  })

  it('has the names of types in upper case for run values', () => {
    expect(runValueType('integer')).toBe('INTEGER')
  })

  it('has no codec for types whose values are not one text', () => {
    expect(codecOf({ id: 'image' })).toBeUndefined()
    expect(codecOf({ id: 'file' })).toBeUndefined()
    expect(codecOf({ id: 'array', allowMissing: false, subType: { id: 'geometry' } })).toBeUndefined()
  })
})

import { expect, it } from 'vitest'
import { LEASE_SECONDS } from '../../../src/import/lease.ts'

it('a lease expires before Lambda’s first retry, after one minute', () => {
  expect(LEASE_SECONDS).toBeLessThanOrEqual(60)
})

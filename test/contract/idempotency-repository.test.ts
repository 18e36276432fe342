import { createMemoryIdempotencyRepository } from '../fakes/memory-idempotency-repository.ts'
import { createFixedIdentity } from '../fixtures/fixed-identity.ts'
import { describeIdempotencyRepository } from './idempotency-repository.contract.ts'

describeIdempotencyRepository('memory', async () => {
  const identity = createFixedIdentity()
  return { keys: createMemoryIdempotencyRepository(identity), identity }
})

import { createMemoryRunRepository } from '../../src/adapters/memory/memory-run-repository.ts'
import { createFixedIdentity } from '../fixtures/fixed-identity.ts'
import { describeRunRepository } from './run-repository.contract.ts'

describeRunRepository('memory', async () => {
  const identity = createFixedIdentity()
  return { runs: createMemoryRunRepository(identity), identity }
})

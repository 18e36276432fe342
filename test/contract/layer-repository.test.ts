import { createMemoryLayerRepository } from '../fakes/memory-layer-repository.ts'
import { createFixedIdentity } from '../fixtures/fixed-identity.ts'
import { describeLayerRepository } from './layer-repository.contract.ts'

describeLayerRepository('memory', async () => {
  const identity = createFixedIdentity()
  return { layers: createMemoryLayerRepository(identity), identity }
})

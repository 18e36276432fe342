import { createMemoryTaskRepository } from '../fakes/memory-task-repository.ts'
import { createFixedIdentity } from '../fixtures/fixed-identity.ts'
import { describeTaskRepository } from './task-repository.contract.ts'

describeTaskRepository('memory', async () => {
  const identity = createFixedIdentity()
  return { tasks: createMemoryTaskRepository(identity), identity }
})

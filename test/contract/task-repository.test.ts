import { createMemoryTaskRepository } from '../fakes/memory-task-repository.ts'
import { createFixedIdentity } from '../fixtures/fixed-identity.ts'
import { describeTaskRepository } from './task-repository.contract.ts'

describeTaskRepository('memory', async () => {
  const identity = createFixedIdentity()
  const tasks = createMemoryTaskRepository(identity)
  return { tasks, elsewhere: tasks, identity }
})

import { createMemoryRunRepository } from '../fakes/memory-run-repository.ts'
import { createMemoryTaskRepository } from '../fakes/memory-task-repository.ts'
import { createFixedIdentity } from '../fixtures/fixed-identity.ts'
import { describeRunRepository } from './run-repository.contract.ts'

describeRunRepository('memory', async () => {
  const identity = createFixedIdentity()
  const tasks = createMemoryTaskRepository(identity)
  return { runs: createMemoryRunRepository(identity, tasks), tasks, identity }
})

import { createMemoryRunRepository } from '../fakes/memory-run-repository.ts'
import { createMemoryRunSetRepository } from '../fakes/memory-run-set-repository.ts'
import { createMemoryTaskRepository } from '../fakes/memory-task-repository.ts'
import { createFixedIdentity } from '../fixtures/fixed-identity.ts'
import { describeRunSetRepository } from './run-set-repository.contract.ts'

describeRunSetRepository('memory', async () => {
  const identity = createFixedIdentity()
  const tasks = createMemoryTaskRepository(identity)
  const sets = createMemoryRunSetRepository(identity, tasks)
  const runs = createMemoryRunRepository(identity, tasks, sets.count, sets.isCreating)
  return { sets, runs, tasks, identity }
})

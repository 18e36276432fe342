import { expect, it } from 'vitest'
import { createRunSet } from '../../../src/run-set/create-run-set.ts'
import { workOnRunSet } from '../../../src/run-set/work-on-run-set.ts'
import { anInput, aTask } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

/** Maximum size of input and output of a state in Step Functions. */
const MAX_STATE_BYTES = 256 * 1024

it('the work on 10 000 runs fits into a state of the workflow', async () => {
  const engine = await anEngine({
    task: aTask({ inputs: [anInput({ name: 'a', type: { id: 'integer' } })] }),
  })
  const rows = Array.from({ length: 10_000 }, () => ({ a: 1 }))
  const { id } = await createRunSet(engine, { task: engine.task, shared: {}, rows, maxConcurrency: 2 })

  let work = await workOnRunSet(engine, { setId: id, timeLeftMs: () => 900_000 })
  while (!work.isDone && work.runs.length === 0) {
    work = await workOnRunSet(engine, { setId: id, timeLeftMs: () => 900_000 })
  }

  expect(work.runs).toHaveLength(10_000)
  expect(JSON.stringify(work).length).toBeLessThan(MAX_STATE_BYTES / 2)
})

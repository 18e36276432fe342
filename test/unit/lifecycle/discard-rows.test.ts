import { expect, it } from 'vitest'
import { setIdOf } from '../../../src/contract/set-run-id.ts'
import { discardRows } from '../../../src/lifecycle/remove-run-set.ts'
import { createMemoryObjectStore } from '../../fakes/memory-object-store.ts'

it('the removal of rows rejects only after all rows in progress have ended', async () => {
  const events: string[] = []
  const allBegun = Promise.withResolvers<void>()
  const others = Promise.withResolvers<void>()
  const discardInputs = async (): Promise<boolean> => {
    const number = events.push('begins')
    if (number === 3) allBegun.resolve()
    await allBegun.promise
    if (number === 1) throw new Error('the table is gone')
    await others.promise
    events.push('ended')
    return false
  }
  const deps = { objects: createMemoryObjectStore(), runs: { discardInputs } }
  const id = setIdOf('0b9ff4f1-8d13-4d8e-9c1a-7d3f0a6c2b11')
  setImmediate(() => others.resolve())

  await discardRows(deps, { id, round: 1, creatingRows: [0, 1, 2] }).catch(() => events.push('fails'))

  expect(events).toEqual(['begins', 'begins', 'begins', 'ended', 'ended', 'fails'])
})

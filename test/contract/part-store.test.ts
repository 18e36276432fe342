import { createMemoryObjectStore } from '../fakes/memory-object-store.ts'
import { createMemoryPartStore } from '../fakes/memory-part-store.ts'
import { describePartStore } from './part-store.contract.ts'

describePartStore('memory', async () => {
  const objects = createMemoryObjectStore()
  const parts = createMemoryPartStore(objects)
  return {
    parts,
    objects,
    pageSize: 3,
    send: async (url, bytes) => ({ status: parts.receive(url, bytes) }),
  }
})

import { createMemoryObjectStore } from '../../src/adapters/memory/memory-object-store.ts'
import { describeObjectStore } from './object-store.contract.ts'

describeObjectStore('memory', async () => ({
  objects: createMemoryObjectStore(),
  isServed: false,
  pageSize: 3,
}))

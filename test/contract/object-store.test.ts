import { createMemoryObjectStore } from '../fakes/memory-object-store.ts'
import { describeObjectStore } from './object-store.contract.ts'

describeObjectStore('memory', { isServed: false, isDigesting: true }, async () => ({
  objects: createMemoryObjectStore(),
  pageSize: 3,
  copyRangeBytes: 10,
}))

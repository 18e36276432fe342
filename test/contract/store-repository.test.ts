import { createMemoryStoreRepository } from '../../src/adapters/memory/memory-store-repository.ts'
import { describeStoreRepository } from './store-repository.contract.ts'

describeStoreRepository('memory', async () => createMemoryStoreRepository())

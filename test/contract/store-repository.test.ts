import { createMemoryStoreRepository } from '../fakes/memory-store-repository.ts'
import { describeStoreRepository } from './store-repository.contract.ts'

describeStoreRepository('memory', async () => createMemoryStoreRepository())

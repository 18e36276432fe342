import { createMemoryUploadRepository } from '../fakes/memory-upload-repository.ts'
import { createFixedIdentity } from '../fixtures/fixed-identity.ts'
import { describeUploadRepository } from './upload-repository.contract.ts'

describeUploadRepository('memory', async () => {
  const identity = createFixedIdentity()
  return { uploads: createMemoryUploadRepository(identity), identity }
})

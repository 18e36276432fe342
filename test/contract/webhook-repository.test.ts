import { createMemoryWebhookRepository } from '../fakes/memory-webhook-repository.ts'
import { createFixedIdentity } from '../fixtures/fixed-identity.ts'
import { describeWebhookRepository } from './webhook-repository.contract.ts'

describeWebhookRepository('memory', async () => {
  const identity = createFixedIdentity()
  return { webhooks: createMemoryWebhookRepository(identity), identity }
})

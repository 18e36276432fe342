import {
  isOfSubject,
  SUBJECT_WEBHOOK_SECONDS,
  type Webhook,
  type WebhookScope,
} from '../../src/webhook/webhook.ts'
import type { WebhookRepository } from '../../src/webhook/webhook-repository.ts'
import type { FixedIdentity } from '../fixtures/fixed-identity.ts'

const scopeOf = ({ runId, runSetId }: WebhookScope): string => runId ?? runSetId ?? ''

/** In-memory repository of webhooks for tests. */
export function createMemoryWebhookRepository(identity: Pick<FixedIdentity, 'now'>): WebhookRepository {
  const webhooks = new Map<string, Webhook>()

  function isKept(webhook: Webhook): boolean {
    const age = identity.now().getTime() - Date.parse(webhook.createdAt)
    return scopeOf(webhook) === '' || age < SUBJECT_WEBHOOK_SECONDS * 1000
  }

  const list = (scope: WebhookScope): Webhook[] =>
    [...webhooks.values()]
      .filter((one) => isKept(one) && scopeOf(one) === scopeOf(scope))
      .sort((a, b) => `${a.createdAt}#${a.id}`.localeCompare(`${b.createdAt}#${b.id}`))

  return {
    async create(webhook) {
      if (webhooks.has(webhook.id)) throw new Error('a webhook with this id exists')
      webhooks.set(webhook.id, webhook)
    },

    async find(webhookId) {
      const webhook = webhooks.get(webhookId)
      return webhook !== undefined && isKept(webhook) ? webhook : undefined
    },

    list: async (scope) => list(scope),
    subscriptions: async (scope) => list(scope).map(({ id, types }) => ({ id, ...(types && { types }) })),

    hasSubjects: async () => [...webhooks.values()].some((one) => isOfSubject(one) && isKept(one)),

    async remove(webhookId) {
      webhooks.delete(webhookId)
    },
  }
}

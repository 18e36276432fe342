import type { Subscription, Webhook, WebhookScope } from './webhook.ts'

/** Stores webhooks. Reads are strongly consistent. */
export interface WebhookRepository {
  create(webhook: Webhook): Promise<void>
  find(webhookId: string): Promise<Webhook | undefined>
  /** Webhooks of exactly this scope, oldest first. */
  list(scope: WebhookScope): Promise<Webhook[]>
  /** Webhooks of {@link list} without addresses and secrets, by one query. */
  subscriptions(scope: WebhookScope): Promise<Subscription[]>
  /** Whether there is a webhook of any run or run set, by one read. */
  hasSubjects(): Promise<boolean>
  /** Does nothing when the webhook does not exist. */
  remove(webhookId: string): Promise<void>
}

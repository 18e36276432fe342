import * as z from 'zod'
import { createDynamoTable, type DynamoOptions, type Item, type ItemKey } from '../aws/dynamo-table.ts'
import { createDynamoWrites, IS_NEW } from '../aws/dynamo-writes.ts'
import { TABLE } from '../contract/environment.ts'
import { WEBHOOK_PARTITIONS } from '../contract/webhooks.ts'
import {
  isOfSubject,
  SUBJECT_WEBHOOK_SECONDS,
  type Webhook,
  type WebhookScope,
  webhookSchema,
} from './webhook.ts'
import type { WebhookRepository } from './webhook-repository.ts'

const EXPIRES_AT = TABLE.timeToLive
const subscriptionSchema = webhookSchema.pick({ id: true, types: true })
const expirySchema = z.object({ [EXPIRES_AT]: z.number().exactOptional() })

const webhookKey = (webhookId: string): ItemKey => ({
  pk: WEBHOOK_PARTITIONS.webhook + webhookId,
  sk: 'WEBHOOK',
})

/** Partition that lists the webhooks of a scope. Ids of runs and of run sets differ in their version, so they share a prefix. */
function listingOf({ runId, runSetId }: WebhookScope): string {
  return WEBHOOK_PARTITIONS.listing + (runId ?? runSetId ?? 'STAGE')
}

/** Partition that lists the webhooks of all runs and run sets. */
const SUBJECTS = `${WEBHOOK_PARTITIONS.listing}SUBJECTS`

/** Keys of a webhook in the listings, in order of creation. */
function listedKeys(webhook: Webhook): readonly ItemKey[] {
  const partitions = [listingOf(webhook), ...(isOfSubject(webhook) ? [SUBJECTS] : [])]
  return partitions.map((pk) => ({ pk, sk: `${webhook.createdAt}#${webhook.id}` }))
}

/** Webhooks in the table: an item with the secret, and one in each listing, which the publisher reads. */
export function createDynamoWebhookRepository(options: DynamoOptions): WebhookRepository {
  const { identity } = options
  const table = createDynamoTable(options)
  const writes = createDynamoWrites(options)
  const seconds = (): number => Math.floor(identity.now().getTime() / 1000)

  /** DynamoDB takes days to remove an expired item. */
  function isKept(item: Item): boolean {
    const expiresAt = expirySchema.parse(item)[EXPIRES_AT]
    return expiresAt === undefined || expiresAt > seconds()
  }

  async function find(webhookId: string): Promise<Webhook | undefined> {
    const item = await table.get(webhookKey(webhookId))
    return item !== undefined && isKept(item) ? webhookSchema.parse(item) : undefined
  }

  async function subscriptions(scope: WebhookScope) {
    const items = await Array.fromAsync(table.query(listingOf(scope)))
    return items.filter(isKept).map((item) => subscriptionSchema.parse(item))
  }

  return {
    async create(webhook) {
      const { id, types } = webhook
      const expiry = isOfSubject(webhook) ? { [EXPIRES_AT]: seconds() + SUBJECT_WEBHOOK_SECONDS } : {}
      const isCreated = await writes.transact([
        { put: { ...webhookKey(id), ...webhook, ...expiry }, if: IS_NEW },
        ...listedKeys(webhook).map((key) => ({ put: { ...key, id, ...(types && { types }), ...expiry } })),
      ])
      if (!isCreated) throw new Error('a webhook with this id exists')
    },

    find,
    subscriptions,

    async list(scope) {
      const listed = await subscriptions(scope)
      const items = await table.getAll(listed.map(({ id }) => webhookKey(id)))
      return items.filter(isKept).map((item) => webhookSchema.parse(item))
    },

    async hasSubjects() {
      // The newest one expires last.
      const newest = table.query(SUBJECTS, { isDescending: true, pageSize: 1 })
      for await (const item of newest) return isKept(item)
      return false
    },

    async remove(webhookId) {
      const webhook = await find(webhookId)
      if (webhook === undefined) return
      const keys = [...listedKeys(webhook), webhookKey(webhookId)]
      await writes.transact(keys.map((key) => ({ remove: key })))
    },
  }
}

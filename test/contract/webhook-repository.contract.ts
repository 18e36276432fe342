import { beforeEach, describe, expect, it } from 'vitest'
import { SUBJECT_WEBHOOK_SECONDS, type Webhook } from '../../src/webhook/webhook.ts'
import type { WebhookRepository } from '../../src/webhook/webhook-repository.ts'
import { RUN_ID } from '../fixtures/builders.ts'
import type { FixedIdentity } from '../fixtures/fixed-identity.ts'
import { SET_ID } from '../fixtures/run-sets.ts'

const FIRST = '00000000-0000-4000-8000-00000000000a'
const SECOND = '00000000-0000-4000-8000-00000000000b'

function aWebhook(changes: Partial<Webhook> = {}): Webhook {
  return {
    id: FIRST,
    url: 'https://example.org/hook',
    secret: 'whsec_c2VjcmV0',
    createdAt: '2026-01-01T00:00:00.000Z',
    ...changes,
  }
}

/** Contract of every webhook repository. `setUp` returns an empty one for each test. */
export function describeWebhookRepository(
  adapter: string,
  setUp: () => Promise<{ readonly webhooks: WebhookRepository; readonly identity: FixedIdentity }>,
): void {
  describe(`webhook repository (${adapter})`, () => {
    let webhooks: WebhookRepository
    let identity: FixedIdentity

    beforeEach(async () => {
      const made = await setUp()
      webhooks = made.webhooks
      identity = made.identity
    })

    it('stores a webhook unchanged', async () => {
      const webhook = aWebhook({ types: ['run.finished', 'run.failed'], runId: RUN_ID })
      await webhooks.create(webhook)

      expect(await webhooks.find(FIRST)).toEqual(webhook)
      expect(await webhooks.find(SECOND)).toBeUndefined()
    })

    it('lists the webhooks of one scope, oldest first', async () => {
      const later = aWebhook({ createdAt: '2026-01-01T00:00:01.000Z' })
      const earlier = aWebhook({ id: SECOND })
      const ofRun = aWebhook({ id: '00000000-0000-4000-8000-00000000000c', runId: RUN_ID })
      const ofSet = aWebhook({ id: '00000000-0000-4000-8000-00000000000d', runSetId: SET_ID })
      for (const one of [later, earlier, ofRun, ofSet]) await webhooks.create(one)

      expect(await webhooks.list({})).toEqual([earlier, later])
      expect(await webhooks.list({ runId: RUN_ID })).toEqual([ofRun])
      expect(await webhooks.list({ runSetId: SET_ID })).toEqual([ofSet])
    })

    it('returns subscriptions without URL and secret', async () => {
      await webhooks.create(aWebhook({ types: ['run.failed'] }))
      await webhooks.create(aWebhook({ id: SECOND }))

      expect(await webhooks.subscriptions({})).toEqual([{ id: FIRST, types: ['run.failed'] }, { id: SECOND }])
    })

    it('knows whether any run or run set has a webhook', async () => {
      await webhooks.create(aWebhook())
      expect(await webhooks.hasSubjects()).toBe(false)

      await webhooks.create(aWebhook({ id: SECOND, runSetId: SET_ID }))
      expect(await webhooks.hasSubjects()).toBe(true)

      await webhooks.remove(SECOND)
      expect(await webhooks.hasSubjects()).toBe(false)
    })

    it('removes a webhook and its subscription, and ignores one that does not exist', async () => {
      await webhooks.create(aWebhook())
      await webhooks.remove(FIRST)
      await webhooks.remove(FIRST)

      expect(await webhooks.find(FIRST)).toBeUndefined()
      expect(await webhooks.subscriptions({})).toEqual([])
    })

    it('keeps webhooks of a run for 90 days, and those of the stage until they are removed', async () => {
      await webhooks.create(aWebhook({ runId: RUN_ID }))
      await webhooks.create(aWebhook({ id: SECOND }))
      identity.advance(SUBJECT_WEBHOOK_SECONDS + 1)

      expect(await webhooks.find(FIRST)).toBeUndefined()
      expect(await webhooks.list({ runId: RUN_ID })).toEqual([])
      expect(await webhooks.subscriptions({ runId: RUN_ID })).toEqual([])
      expect(await webhooks.hasSubjects()).toBe(false)
      expect(await webhooks.find(SECOND)).toBeDefined()
    })

    it('refuses a second webhook with the same id', async () => {
      await webhooks.create(aWebhook())

      await expect(webhooks.create(aWebhook())).rejects.toThrow('exists')
    })
  })
}

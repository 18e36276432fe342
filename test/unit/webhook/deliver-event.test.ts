import { Webhook as Verifier } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { DELIVERY_PAUSES, MAX_DELIVERY_ATTEMPTS } from '../../../src/contract/webhooks.ts'
import { eventOfChange } from '../../../src/events/event-of-change.ts'
import { deliverEvent } from '../../../src/webhook/deliver-event.ts'
import { createSecret } from '../../../src/webhook/webhook.ts'
import { createMemoryWebhookRepository } from '../../fakes/memory-webhook-repository.ts'
import { aRun } from '../../fixtures/builders.ts'
import { createFixedIdentity } from '../../fixtures/fixed-identity.ts'
import { aRunChange } from '../../fixtures/item-changes.ts'

const EVENT = eventOfChange(aRunChange(undefined, aRun()), 'app-engine')
if (EVENT === undefined) throw new Error('a new run is an event')
const WEBHOOK = {
  id: '00000000-0000-4000-8000-00000000000a',
  url: 'https://example.org/hook?token=hidden',
  secret: createSecret(),
  createdAt: '2026-01-01T00:00:00.000Z',
}

async function setUp(answer: () => Promise<number>) {
  // The verifier compares timestamps with the clock of this machine.
  const identity = createFixedIdentity(new Date().toISOString())
  const webhooks = createMemoryWebhookRepository(identity)
  await webhooks.create(WEBHOOK)
  const posts: { headers: Record<string, string>; body: string }[] = []
  const postponed: number[] = []
  const deps = {
    identity,
    webhooks,
    receivers: {
      post: async (_url: string, headers: Readonly<Record<string, string>>, body: string) => {
        posts.push({ headers: { ...headers }, body })
        return answer()
      },
    },
    queue: { postpone: async (_: string, seconds: number) => void postponed.push(seconds) },
  }
  const deliver = (attempt = 1) =>
    deliverEvent(deps, { webhookId: WEBHOOK.id, event: EVENT as never, receiptHandle: 'handle', attempt })
  return { deliver, posts, postponed, webhooks }
}

describe('a delivery', () => {
  it('is signed so that the library of Standard Webhooks accepts it', async () => {
    const { deliver, posts } = await setUp(async () => 200)

    expect(await deliver()).toEqual({ kind: 'delivered' })
    const [{ headers, body } = { headers: {}, body: '' }] = posts
    expect(new Verifier(WEBHOOK.secret).verify(body, headers)).toEqual(EVENT)
    expect(headers['webhook-id']).toBe(EVENT.id)
    expect(() => new Verifier(createSecret()).verify(body, headers)).toThrow()
    expect(() => new Verifier(WEBHOOK.secret).verify(`${body} `, headers)).toThrow()
  })

  it.each([302, 400, 404, 500])('fails after the status %i', async (status) => {
    const { deliver, postponed } = await setUp(async () => status)

    expect(await deliver()).toEqual({ kind: 'failed', reason: `status ${status}`, pauseSeconds: 5 })
    expect(postponed).toEqual([5])
  })

  it('fails without a response, and its reason does not contain the address', async () => {
    const { deliver } = await setUp(async () => {
      throw Object.assign(new Error(`no connection to ${WEBHOOK.url}`), { code: 'ECONNREFUSED' })
    })
    const outcome = await deliver()

    expect(outcome).toMatchObject({ kind: 'failed', reason: 'ECONNREFUSED' })
    expect(JSON.stringify(outcome)).not.toContain('hidden')
  })

  it('is postponed like any other failed one when its webhook cannot be read', async () => {
    const { deliver, webhooks, postponed } = await setUp(async () => 200)
    webhooks.find = async () =>
      Promise.reject(Object.assign(new Error('throttled'), { name: 'ThrottlingException' }))

    expect(await deliver()).toEqual({ kind: 'failed', reason: 'ThrottlingException', pauseSeconds: 5 })
    expect(postponed).toEqual([5])
  })

  it('is repeated with growing pauses for 20 hours, and then moved to the dead-letter queue', async () => {
    const { deliver, postponed } = await setUp(async () => 503)
    for (let attempt = 1; attempt <= MAX_DELIVERY_ATTEMPTS; attempt += 1) await deliver(attempt)

    expect(postponed).toEqual([...DELIVERY_PAUSES, 0])
    expect(DELIVERY_PAUSES.toSorted((a, b) => a - b)).toEqual(DELIVERY_PAUSES)
    expect(Math.round(DELIVERY_PAUSES.reduce((sum, one) => sum + one, 0) / 3600)).toBe(20)
    // Maximum visibility time-out of SQS.
    expect(Math.max(...DELIVERY_PAUSES)).toBeLessThan(12 * 3600)
  })

  it('ends when the webhook was deleted', async () => {
    const { deliver, posts, webhooks } = await setUp(async () => 200)
    await webhooks.remove(WEBHOOK.id)

    expect(await deliver()).toEqual({ kind: 'gone' })
    expect(posts).toEqual([])
  })
})

import type { SQSClient } from '@aws-sdk/client-sqs'
import { describe, expect, it } from 'vitest'
import { setRunId } from '../../../src/contract/set-run-id.ts'
import type { EngineEvent } from '../../../src/events/event.ts'
import { eventOfChange } from '../../../src/events/event-of-change.ts'
import type { Run } from '../../../src/run/run.ts'
import type { Delivery } from '../../../src/webhook/delivery-queue.ts'
import { queueDeliveries } from '../../../src/webhook/queue-deliveries.ts'
import { createSqsDeliveryQueue } from '../../../src/webhook/sqs-delivery-queue.ts'
import type { Webhook, WebhookScope } from '../../../src/webhook/webhook.ts'
import { createMemoryWebhookRepository } from '../../fakes/memory-webhook-repository.ts'
import { aRun, RUN_ID } from '../../fixtures/builders.ts'
import { createFixedIdentity } from '../../fixtures/fixed-identity.ts'
import { aRunChange } from '../../fixtures/item-changes.ts'
import { SET_ID } from '../../fixtures/run-sets.ts'
import { stubClient } from '../aws/stub-client.ts'

function anEvent(before?: Partial<Run>, after: Partial<Run> = {}): EngineEvent {
  const event = eventOfChange(aRunChange(before && aRun(before), aRun(after)), 'app-engine')
  if (event === undefined) throw new Error('not an event')
  return event
}

async function setUp(...created: readonly Partial<Webhook>[]) {
  const webhooks = createMemoryWebhookRepository(createFixedIdentity())
  for (const [index, changes] of created.entries()) {
    const about = { url: 'https://example.org', secret: 's', createdAt: '2026-01-01T00:00:00.000Z' }
    await webhooks.create({ id: `hook-${index}`, ...about, ...changes })
  }
  const queued: Delivery[] = []
  const queue = { send: async (all: readonly Delivery[]) => void queued.push(...all) }
  return { deps: { webhooks, queue }, ids: () => queued.map(({ webhookId }) => webhookId), queued }
}

describe('events', () => {
  it('are sent to the webhooks of the stage and of their run only', async () => {
    const { deps, ids } = await setUp({}, { runId: RUN_ID }, { runId: 'another' }, { runSetId: SET_ID })

    await queueDeliveries(deps, [anEvent()])

    expect(ids()).toEqual(['hook-0', 'hook-1'])
  })

  it('cause a look-up for the stage only, while no webhook belongs to a run or a run set', async () => {
    const { deps, ids } = await setUp({})
    const asked: unknown[] = []
    const webhooks = {
      ...deps.webhooks,
      subscriptions: (scope: WebhookScope) => {
        asked.push(scope)
        return deps.webhooks.subscriptions(scope)
      },
    }

    await queueDeliveries({ ...deps, webhooks }, [
      anEvent(),
      anEvent(undefined, { id: RUN_ID.replace('2', '3') }),
    ])

    expect(asked).toEqual([{}])
    expect(ids()).toEqual(['hook-0', 'hook-0'])
  })

  it('about a run of a set are sent to the webhooks of the set', async () => {
    const { deps, ids } = await setUp({ runSetId: SET_ID }, { runSetId: 'another' })

    await queueDeliveries(deps, [anEvent(undefined, { id: setRunId({ setId: SET_ID, row: 0, round: 1 }) })])

    expect(ids()).toEqual(['hook-0'])
  })

  it('are sent only to webhooks for their type, in order', async () => {
    const { deps, queued } = await setUp({ types: ['run.queuing'] }, {})

    await queueDeliveries(deps, [anEvent(), anEvent({ state: 'PROVISIONED' }, { state: 'QUEUING' })])

    expect(queued.map(({ webhookId, event }) => `${webhookId} ${event.type}`)).toEqual([
      'hook-1 run.created',
      'hook-0 run.queuing',
      'hook-1 run.queuing',
    ])
  })
})

describe('the queue of SQS', () => {
  const deliveries = (count: number, runs = count): Delivery[] =>
    Array.from({ length: count }, (_, index) => ({
      webhookId: 'hook',
      event: anEvent(undefined, { id: `22222222-2222-4222-8222-${String(index % runs).padStart(12, '0')}` }),
    }))
  type Entry = Record<'Id' | 'MessageBody' | 'MessageGroupId' | 'MessageDeduplicationId', string>

  function queueOf(script: readonly unknown[]) {
    const { client, sent } = stubClient<SQSClient>(script)
    const queue = createSqsDeliveryQueue({ client, queueUrl: 'https://queue', pause: async () => {} })
    return { queue, calls: () => sent.map(({ input }) => input.Entries as readonly Entry[]), sent }
  }

  it('gets ten messages per call, grouped by webhook and subject, and deduplicated by event', async () => {
    const { queue, calls } = queueOf([{}])
    const all = deliveries(12)

    await queue.send(all)

    expect(calls().map((call) => call.length)).toEqual([10, 2])
    expect(calls()[0]?.[1]).toMatchObject({
      MessageGroupId: `hook/${all[1]?.event.data.id}`,
      MessageDeduplicationId: all[1]?.event.id,
    })
  })

  it('gets at most one message of a group per call, so that no later one overtakes a refused one', async () => {
    const { queue, calls } = queueOf([{}])

    await queue.send(deliveries(4, 2))

    expect(calls().map((call) => call.length)).toEqual([2, 2])
  })

  it('gets refused messages again before later ones, and fails when they are refused repeatedly', async () => {
    const refusal = { Failed: [{ Id: '0', Code: 'InternalError', Message: 'again' }] }
    const { queue, calls } = queueOf([refusal, {}, {}])
    await queue.send(deliveries(4, 2))
    expect(calls().map((call) => call.map(({ Id }) => Id))).toEqual([['0', '1'], ['0'], ['0', '1']])

    await expect(queueOf([refusal]).queue.send(deliveries(1))).rejects.toThrow('InternalError again')
  })

  it('gets only characters that it allows, for any text in an event', async () => {
    const { queue, calls } = queueOf([{}])
    const [delivery] = deliveries(1)
    const event = { ...delivery?.event, text: 'a\ufffe\uffff\ud800\u0000\u{1f600}' } as never

    await queue.send([{ webhookId: 'hook', event }])

    const body = String(calls()[0]?.[0]?.MessageBody)
    // SQS: #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.
    expect(body).toMatch(/^[\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u)
    expect(JSON.parse(body).event).toEqual(event)
  })

  it('can hide a message for some time', async () => {
    const { queue, sent } = queueOf([{}])

    await queue.postpone('handle', 30)

    expect(sent[0]?.input).toEqual({
      QueueUrl: 'https://queue',
      ReceiptHandle: 'handle',
      VisibilityTimeout: 30,
    })
  })
})

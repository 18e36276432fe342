import { describe, expect, it } from 'vitest'
import { decodeChange } from '../../../src/events/dynamo-item-changes.ts'
import { publishEvents } from '../../../src/events/publish-events.ts'
import { encodeRun } from '../../../src/run/run-items.ts'
import { createMemoryEventBus } from '../../fakes/memory-event-bus.ts'
import { aRun } from '../../fixtures/builders.ts'
import { aChange, aRunChange } from '../../fixtures/item-changes.ts'

function setUp() {
  const bus = createMemoryEventBus()
  const unreadable: string[] = []
  const deps = {
    bus,
    installation: 'app-engine',
    onUnreadable: ({ key }: { readonly key: { readonly pk: string } }) => void unreadable.push(key.pk),
  }
  return { bus, deps, unreadable }
}

const CHANGES = [
  aRunChange(undefined, aRun()),
  aRunChange(aRun(), aRun({ state: 'PROVISIONED' })),
  aRunChange(aRun({ state: 'PROVISIONED' }), aRun({ state: 'QUEUING' })),
]

describe('changes of the table', () => {
  it('are sent as events in their order', async () => {
    const { bus, deps } = setUp()

    await publishEvents(deps, CHANGES)

    expect(bus.sent.map(({ type }) => type)).toEqual(['run.created', 'run.provisioned', 'run.queuing'])
  })

  it('are sent again with the same ids after an outage of the bus', async () => {
    const { bus, deps } = setUp()
    bus.failNext()

    await expect(publishEvents(deps, CHANGES)).rejects.toThrow('not available')
    await publishEvents(deps, CHANGES)
    const ids = bus.sent.map(({ id }) => id)
    await publishEvents(deps, CHANGES)

    expect(bus.sent.map(({ id }) => id)).toEqual([...ids, ...ids])
  })

  it('are skipped and reported when they cannot be decoded, so that they do not block others', async () => {
    const { bus, deps, unreadable } = setUp()
    const broken = { ...encodeRun(aRun()), createdAt: 7 }

    await publishEvents(deps, [aChange(undefined, broken), ...CHANGES])

    expect(bus.sent).toHaveLength(3)
    expect(unreadable).toEqual([broken.pk])
  })
})

describe('a record of the stream', () => {
  it('is decoded with both images', () => {
    const change = decodeChange({
      eventID: 'e1',
      dynamodb: {
        Keys: { pk: { S: 'RUN#1' }, sk: { S: 'RUN' } },
        OldImage: { state: { S: 'CREATED' } },
        NewImage: { state: { S: 'FAILED' }, tries: { N: '2' } },
        SequenceNumber: '42',
        ApproximateCreationDateTime: 1_767_225_600,
      },
    })

    expect(change).toEqual({
      id: 'e1',
      key: { pk: 'RUN#1', sk: 'RUN' },
      before: { state: 'CREATED' },
      after: { state: 'FAILED', tries: 2 },
      sequence: '42',
      at: new Date('2026-01-01T00:00:00.000Z'),
    })
  })
})

import type { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import { describe, expect, it } from 'vitest'
import { createEventBridgeBus } from '../../../src/events/event-bridge-bus.ts'
import { eventOfChange } from '../../../src/events/event-of-change.ts'
import { aRun } from '../../fixtures/builders.ts'
import { aRunChange } from '../../fixtures/item-changes.ts'
import { stubClient } from '../aws/stub-client.ts'

const events = Array.from({ length: 12 }, () => {
  const event = eventOfChange(aRunChange(undefined, aRun()), 'app-engine')
  if (event === undefined) throw new Error('a new run is an event')
  return event
})
const taken = (count: number) => Array.from({ length: count }, () => ({ EventId: 'x' }))
const REFUSED = { ErrorCode: 'ThrottlingException', ErrorMessage: 'slow down' }

function busOf(script: readonly unknown[]) {
  const { client, sent } = stubClient<EventBridgeClient>(script)
  const bus = createEventBridgeBus({
    client,
    busName: 'bus',
    installation: 'app-engine',
    pause: async () => {},
  })
  return { bus, entries: () => sent.map(({ input }) => input.Entries as { readonly Detail: string }[]) }
}

describe('the bus of EventBridge', () => {
  it('sends ten events per call, with type and source of the installation', async () => {
    const { bus, entries } = busOf([{ Entries: taken(10) }, { Entries: taken(2) }])

    await bus.send(events)

    expect(entries().map((call) => call.length)).toEqual([10, 2])
    expect(entries()[0]?.[0]).toMatchObject({
      EventBusName: 'bus',
      Source: 'app-engine.app-engine',
      DetailType: 'run.created',
    })
  })

  it('sends only the refused entries again', async () => {
    const { bus, entries } = busOf([
      { Entries: [{ EventId: 'x' }, REFUSED, { EventId: 'y' }] },
      { Entries: taken(1) },
    ])

    await bus.send(events.slice(0, 3))

    expect(entries()[1]?.map(({ Detail }) => JSON.parse(Detail).id)).toEqual([events[1]?.id])
  })

  it('fails when an entry is refused repeatedly, so that the batch is retried', async () => {
    const { bus } = busOf([{ Entries: [REFUSED] }])

    await expect(bus.send(events.slice(0, 1))).rejects.toThrow(
      '1 events were refused: ThrottlingException slow down',
    )
  })
})

import { once } from 'node:events'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { LogPart, Row } from '../../../edge/events/rows.ts'
import { createRunFeed } from '../../../edge/events/run-feed.ts'
import { createSubscriber, type Subscriber } from '../../../edge/events/subscriber.ts'
import { UnreachableError } from '../../../edge/failures.ts'
import { aService, type SeenCall } from './fake-service.ts'

const RUNS = ['a', 'b', 'c'].map((letter) => `00000000-0000-4000-8000-00000000000${letter}`)
const [A = '', B = '', C = ''] = RUNS

interface FakeRow {
  readonly id: string
  readonly createdAt: string
  readonly updatedAt: string | null
  readonly state: string
}

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()

function aRow(id: string, second: number, state = 'RUNNING'): FakeRow {
  return { id, createdAt: at(RUNS.indexOf(id)), updatedAt: at(second), state }
}

/** Pauses between rounds, which end when the test calls `tick`. */
function aClock() {
  const waiting: (() => void)[] = []
  return {
    /** Number of pauses so far. */
    pauses: 0,
    waiting,
    wait(): Promise<void> {
      this.pauses += 1
      return new Promise((resolve) => waiting.push(resolve))
    },
    /** Ends all pauses. */
    tick(): void {
      for (const resolve of waiting.splice(0)) resolve()
    },
  }
}

/** An edge before an API with these runs, newest first, and with these parts of one run's log. */
async function anEdge(
  rows: readonly FakeRow[],
  parts: readonly LogPart[] = [],
  clock?: ReturnType<typeof aClock>,
) {
  const api = { rows: [...rows], parts: [...parts], isAway: false, held: [] as (() => void)[], isHeld: false }
  function answer({ url }: SeenCall, response: ServerResponse): void {
    const query = new URL(url, 'http://api').searchParams
    if (api.isAway) {
      response.writeHead(503).end('{}')
    } else if (url.includes('/logs?')) {
      const part = api.parts.find(({ next }) => Number(next) === Number(query.get('after')) + 1)
      const none = { text: '', next: query.get('after'), isComplete: false }
      response.end(JSON.stringify(part ?? none))
    } else if (query.has('id')) {
      const ids = query.get('id')?.split(',') ?? []
      response.end(JSON.stringify({ content: api.rows.filter(({ id }) => ids.includes(id)) }))
    } else response.end(JSON.stringify({ content: api.rows }))
  }
  const service = await aService({
    eventTimes: { pollMs: 5, heartbeatMs: 20, ...(clock && { wait: () => clock.wait() }) },
    onCall: (call, response) => {
      if (api.isHeld) api.held.push(() => answer(call, response))
      else answer(call, response)
    },
  })
  return { ...service, api, client: (path: string, headers = {}) => aClient(service.port, path, headers) }
}

interface SeenEvent {
  readonly event: string
  readonly id: string
  readonly data: unknown
}

/** A client of the live updates. */
async function aClient(port: number, path: string, headers: Record<string, string>) {
  const outgoing = request({ port, host: '127.0.0.1', path: `/app-engine/v1/events${path}`, headers }).end()
  outgoing.on('error', () => undefined)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  onTestFinished(() => {
    outgoing.destroy()
  })
  let text = ''
  response.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
    response.emit('text')
  })
  response.on('error', () => undefined)
  const events = (): SeenEvent[] =>
    text
      .split('\n\n')
      .slice(0, -1)
      .map((block) =>
        Object.fromEntries(block.split('\n').map((line) => line.split(/: ?(.*)/su).slice(0, 2))),
      )
      .filter(({ event }) => event !== undefined)
      .map(({ event = '', id = '', data = '' }) => ({ event, id, data: JSON.parse(data) }))
  return {
    response,
    text: () => text,
    events,
    /** Resolves when the expected events have arrived. */
    async until(isEnough: (events: SeenEvent[]) => boolean): Promise<SeenEvent[]> {
      while (!isEnough(events())) await once(response, 'text')
      return events()
    },
    close: () => outgoing.destroy(),
  }
}

const shown = (events: readonly SeenEvent[]): unknown[] =>
  events.map(({ event, data }) => [event, (data as FakeRow).id, (data as FakeRow).state].filter(Boolean))

describe('live updates of the newest runs', () => {
  it('start with the current runs, oldest first', async () => {
    const { client } = await anEdge([aRow(B, 11), aRow(A, 10)])

    const { response, until } = await client('')
    const events = await until(({ length }) => length === 2)

    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
    })
    expect(events.map(({ data }) => data)).toEqual([aRow(A, 10), aRow(B, 11)])
  })

  it('continue with changed, new and removed runs, each once', async () => {
    const { client, api } = await anEdge([aRow(B, 11), aRow(A, 10)])
    const { until } = await client('')
    await until(({ length }) => length === 2)

    api.rows = [aRow(C, 13), aRow(B, 12, 'FINISHED')]

    const events = await until(({ length }) => length === 5)
    expect(shown(events.slice(2)).sort()).toEqual([
      ['removed', A],
      ['run', B, 'FINISHED'],
      ['run', C, 'RUNNING'],
    ])
  })

  it('need one call per round for any number of clients', async () => {
    const { client, api, calls } = await anEdge([aRow(A, 10)])
    const clients = await Promise.all(Array.from({ length: 10 }, () => client('')))
    await Promise.all(clients.map(({ until }) => until(({ length }) => length === 1)))
    api.isHeld = true
    while (api.held.length === 0) await new Promise(setImmediate)
    const before = calls.length

    api.rows = [aRow(A, 11, 'FINISHED')]
    api.isHeld = false
    for (const answer of api.held) answer()
    await Promise.all(clients.map(({ until }) => until(({ length }) => length === 2)))

    expect(api.held).toHaveLength(1)
    expect(calls.length - before).toBeLessThan(5)
  })

  it('are only heartbeats while nothing changes', async () => {
    const { client } = await anEdge([aRow(A, 10)])

    const { response, text, events } = await client('')
    while (!text().includes(':\n\n:\n\n')) await once(response, 'text')

    expect(events()).toHaveLength(1)
  })

  it('need a call per round while a client is connected, and none afterwards', async () => {
    const clock = aClock()
    const { client, calls, edge } = await anEdge([aRow(A, 10)], [], clock)
    const { until, close } = await client('')
    await until(({ length }) => length === 1)
    const begun = calls.length
    clock.tick()
    await vi.waitUntil(() => clock.pauses === 2)
    const round = calls.length

    close()
    await edge.settled()
    clock.tick()
    await new Promise(setImmediate)

    expect([round - begun, calls.length - round]).toEqual([1, 0])
    expect([clock.pauses, clock.waiting.length]).toEqual([2, 0])
  })

  it('continue after an outage of the API', async () => {
    const { client, api } = await anEdge([aRow(A, 10)])
    const { until } = await client('')
    await until(({ length }) => length === 1)

    api.isAway = true
    while (!api.isAway) await new Promise(setImmediate)
    api.rows = [aRow(A, 11, 'FINISHED')]
    api.isAway = false

    expect(shown(await until(({ length }) => length === 2))[1]).toEqual(['run', A, 'FINISHED'])
  })
})

describe('live updates of named runs', () => {
  it('contain these runs, and report which do not exist', async () => {
    const { client } = await anEdge([aRow(B, 11), aRow(A, 10)])

    const { until } = await client(`?run=${A},${C}`)

    expect(shown(await until(({ length }) => length === 2))).toEqual([
      ['run', A, 'RUNNING'],
      ['removed', C],
    ])
  })

  it('contain the log of one run, and its end', async () => {
    const { client, api, calls } = await anEdge(
      [aRow(A, 10)],
      [{ text: 'one\n', next: '1', isComplete: false }],
    )
    const { until } = await client(`?run=${A}&after=0`)
    await until(({ length }) => length === 2)

    api.parts.push({ text: 'two\n', next: '2', isComplete: true })

    const events = await until(({ length }) => length === 3)
    expect(events.slice(1).map(({ event, data }) => [event, data])).toEqual([
      ['log', { run: A, text: 'one\n', next: '1', isComplete: false }],
      ['log', { run: A, text: 'two\n', next: '2', isComplete: true }],
    ])
    expect(calls.filter(({ url }) => url.includes('after=2'))).toEqual([])
  })

  it('continue after a broken connection', async () => {
    const { client, api } = await anEdge(
      [aRow(B, 11), aRow(A, 10)],
      [{ text: 'one\n', next: '1', isComplete: false }],
    )
    const first = await client(`?run=${A}&after=0`)
    const events = await first.until(({ length }) => length === 2)
    first.close()
    api.parts.push({ text: 'two\n', next: '2', isComplete: false })
    api.rows = [aRow(B, 11), aRow(A, 12, 'FINISHED')]

    const second = await client(`?run=${A}&after=0`, { 'last-event-id': events[1]?.id ?? '' })

    expect(shown(await second.until(({ length }) => length === 2))).toEqual([['run', A, 'FINISHED'], ['log']])
    expect(second.events()[1]?.data).toMatchObject({ text: 'two\n' })
  })

  it('do not repeat a log that was complete', async () => {
    const { client, api } = await anEdge([aRow(A, 10)], [{ text: 'all\n', next: '1', isComplete: true }])
    const first = await client(`?run=${A}&after=0`)
    await first.until(({ length }) => length === 2)
    api.rows = [aRow(A, 10, 'FAILED')]
    const events = await first.until(({ length }) => length === 3)
    first.close()
    api.rows = [aRow(A, 11, 'FINISHED')]

    const second = await client(`?run=${A}&after=0`, { 'last-event-id': events[2]?.id ?? '' })
    await second.until(({ length }) => length === 1)
    api.rows = [aRow(A, 12, 'FAILED')]

    expect(shown(await second.until(({ length }) => length === 2))).toEqual([
      ['run', A, 'FINISHED'],
      ['run', A, 'FAILED'],
    ])
  })

  it('do not repeat a run that has not changed in between', async () => {
    const { client, api } = await anEdge([aRow(B, 11), aRow(A, 10)])
    const first = await client('')
    const events = await first.until(({ length }) => length === 2)
    api.rows = [aRow(B, 12, 'FAILED'), aRow(A, 10)]

    const second = await client('', { 'last-event-id': events[1]?.id ?? '' })

    expect(shown(await second.until(({ length }) => length === 1))).toEqual([['run', B, 'FAILED']])
  })

  it.each(['x', '2026|', `${at(1)}|a b`])('ignore the invalid last event id "%s"', async (id) => {
    const { client } = await anEdge([aRow(A, 10)])

    const { until } = await client('', { 'last-event-id': id })

    expect(await until(({ length }) => length === 1)).toHaveLength(1)
  })
})

describe('a client of the live updates', () => {
  it.each([
    ['?run=x', 400, 'run \\"x\\"'],
    [
      `?run=${Array.from({ length: 101 }, (_, i) => A.slice(0, -3) + String(i).padStart(3, '0'))}`,
      400,
      '101 ids',
    ],
    ['?after=0', 400, 'after \\"0\\"'],
    [`?run=${A},${B}&after=0`, 400, 'after \\"0\\"'],
    [`?run=${A}&after=0&after=1`, 400, 'after \\"0,1\\"'],
  ])('is refused with %s', async (path, status, words) => {
    const { client } = await anEdge([])

    const { response, text } = await client(path)
    await once(response, 'end')

    expect(response.statusCode).toBe(status)
    expect(text()).toContain(words)
  })

  it('is refused with 503 while the API does not answer', async () => {
    const { client, api } = await anEdge([])
    api.isAway = true

    const { response } = await client('')

    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '10'])
  })

  it('has at most 32 streams', async () => {
    const { client } = await anEdge([aRow(A, 10)])
    const clients = await Promise.all(Array.from({ length: 32 }, () => client('')))

    const { response } = await client('')

    expect(clients.map((one) => one.response.statusCode)).toEqual(Array(32).fill(200))
    expect(response.statusCode).toBe(503)
  })

  it('sees the end of its stream when the edge stops', async () => {
    const { client, edge } = await anEdge([aRow(A, 10)])
    const { response, until } = await client('')
    await until(({ length }) => length === 1)

    edge.endEvents()
    await once(response, 'end')

    await expect(edge.settled()).resolves.toBeUndefined()
  })

  it('is disconnected when it reads nothing, before the memory limit is reached', async () => {
    const destroyed: string[] = []
    const aReader = (name: string, bufferedBytes: number) => {
      const stream = {
        bufferedBytes,
        isClosed: false,
        destroy: () => destroyed.push(name),
        open: () => undefined,
        send: () => undefined,
        end: () => undefined,
        closed: async () => undefined,
      }
      return createSubscriber({ runs: [] }, stream as unknown as Subscriber['stream'])
    }
    let rounds = 0
    const callJson = async () => {
      rounds += 1
      return { content: [] }
    }
    const feed = createRunFeed({ api: { callJson }, pollMs: 1 })
    const all = [aReader('reads', 10), aReader('slow', 20 * 1024 ** 2), aReader('stuck', 30 * 1024 ** 2)]

    for (const one of all) feed.add(one)
    while (rounds < 2) await new Promise(setImmediate)
    for (const one of all) feed.remove(one)

    expect(new Set(destroyed)).toEqual(new Set(['stuck']))
  })
})

describe('logs of several clients', () => {
  const MIB = 1024 ** 2

  function aClientOf(run: string, isReading = true) {
    const stream = {
      events: [] as string[],
      bufferedBytes: 0,
      isClosed: false,
      open: () => undefined,
      send(event: string, data: string) {
        stream.events.push(event)
        if (!isReading) stream.bufferedBytes += data.length
      },
      destroy() {
        stream.isClosed = true
      },
    }
    const subscriber = createSubscriber(
      { runs: [run], after: '0' },
      stream as unknown as Subscriber['stream'],
    )
    return { stream, subscriber }
  }

  it('are read one at a time when the clients subscribe together, and their unsent text is bounded', async () => {
    const present = { reads: 0, most: 0 }
    const callJson = async ({ path }: { readonly path: string }) => {
      if (!path.includes('/logs')) return { content: [] }
      present.reads += 1
      present.most = Math.max(present.most, present.reads)
      await new Promise(setImmediate)
      present.reads -= 1
      return { text: 'x'.repeat(6 * MIB), next: '1', isComplete: false }
    }
    const feed = createRunFeed({ api: { callJson }, pollMs: 60_000 })
    const clients = Array.from({ length: 12 }, () => aClientOf(A, false))

    await Promise.all(clients.map(({ subscriber }) => feed.begin(subscriber, new AbortController().signal)))

    const unread = clients.filter(({ stream }) => !stream.isClosed).map(({ stream }) => stream.bufferedBytes)
    expect(present.most).toBe(1)
    expect(unread.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(32 * MIB)
    expect(unread.length).toBeGreaterThan(2)
  })

  it('continue for other clients when one log cannot be read', async () => {
    const callJson = async ({ path }: { readonly path: string }) => {
      if (!path.includes('/logs')) return { content: [] }
      if (path.includes(A)) throw new UnreachableError('API', undefined)
      return { text: 'line\n', next: '1', isComplete: true }
    }
    const feed = createRunFeed({ api: { callJson }, pollMs: 1 })
    const [away, other] = [aClientOf(A), aClientOf(B)]

    for (const { subscriber } of [away, other]) feed.add(subscriber)
    while (other.subscriber.log() !== undefined) await new Promise(setImmediate)
    for (const { subscriber } of [away, other]) feed.remove(subscriber)

    expect(other.stream.events).toContain('log')
    expect(away.subscriber.log()).toEqual({ run: A, after: '0' })
  })

  it('are followed from the start of a subscription', async () => {
    const feed = createRunFeed({ api: { callJson: () => new Promise(() => undefined) }, pollMs: 60_000 })
    const { subscriber } = aClientOf(A)

    void feed.begin(subscriber, new AbortController().signal)

    expect([...feed.followed]).toEqual([A])
    feed.remove(subscriber)
    expect([...feed.followed]).toEqual([])
  })
})

describe('the newest runs of a subscriber', () => {
  const rowOf = (index: number): Row => {
    const id = `run-${String(index).padStart(4, '0')}`
    return { id, order: id, changedAt: at(0), json: JSON.stringify({ id }) }
  }
  function aSubscriber() {
    const sent: [string, string][] = []
    const stream = { send: (event: string, data: string) => sent.push([event, JSON.parse(data).id]) }
    return { sent, ...createSubscriber({ runs: [] }, stream as unknown as Subscriber['stream']) }
  }

  it('are not reported as removed when newer ones displace them', () => {
    const { sent, deliver } = aSubscriber()
    const all = Array.from({ length: 201 }, (_, index) => rowOf(200 - index))
    deliver({ newest: all.slice(1), byId: new Map() })
    sent.length = 0

    deliver({ newest: all.slice(0, 200), byId: new Map() })

    expect(sent).toEqual([['run', 'run-0200']])
  })

  it('are reported as removed when they disappear between others', () => {
    const { sent, deliver } = aSubscriber()
    const all = Array.from({ length: 201 }, (_, index) => rowOf(200 - index))
    deliver({ newest: all.slice(0, 200), byId: new Map() })
    sent.length = 0

    deliver({ newest: all.filter(({ id }) => id !== 'run-0100'), byId: new Map() })

    expect(sent).toEqual([
      ['removed', 'run-0100'],
      ['run', 'run-0000'],
    ])
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonValue } from '../../src/contract/json.ts'
import { type EngineEvent, EVENT_TYPES } from '../../src/events/event.ts'
import { aSlideTask } from '../fixtures/slide-task.ts'
import { call, callOk, installTask, waitForState } from './engine-client.ts'
import { startWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts'

const EXAMPLE = { namespace: 'org.example.add-and-echo', version: '1.0.0' }
const INPUTS = { a: 2, b: 3, text: 'x' }

let task: string
let receiver: WebhookReceiver

beforeAll(async () => {
  receiver = await startWebhookReceiver()
  task = await installTask('examples/add-and-echo/add-and-echo.zip', EXAMPLE.namespace)
})
afterAll(() => receiver.stop())

async function register(path: string, wanted: Readonly<Record<string, JsonValue>> = {}) {
  const answer = await call('POST', 'webhooks', { url: receiver.url + path, ...wanted })
  expect(answer.status).toBe(201)
  return (await answer.json()) as { readonly id: string; readonly secret: string }
}

async function createRun(): Promise<string> {
  return ((await (await callOk('POST', `${task}/runs`)).json()) as { readonly id: string }).id
}

/** Provisions and starts a run, and waits for its end. @returns its states */
async function execute(id: string): Promise<readonly string[]> {
  const run = `task-runs/${id}`
  for (const [name, value] of Object.entries(INPUTS)) {
    await callOk('PUT', `${run}/input-provisions/${name}`, { parameterName: name, value })
  }
  await callOk('POST', `${run}/state-actions`, { desired: 'RUNNING' })
  await waitForState(run, 'final')
  const { history } = (await (await callOk('GET', run)).json()) as {
    readonly history: readonly { readonly state: string }[]
  }
  return history.map(({ state }) => state)
}

/** @returns the status of the answer */
async function importBundle(bundle: Buffer): Promise<number> {
  const form = new FormData()
  form.append('task', new Blob([new Uint8Array(bundle)]), 'bundle.zip')
  return (await call('POST', 'tasks', form)).status
}

const isEnd =
  (id: string) =>
  ({ type, data }: EngineEvent): boolean =>
    type === 'run.finished' && data.id === id

/** States of a run, in the order of its events; a repeated event counts once. */
function statesOf(events: readonly EngineEvent[], id: string): readonly string[] {
  return [
    ...new Map(
      events.filter(({ data }) => data.id === id).map((event) => [event.id, event.data.state]),
    ).values(),
  ]
}

describe('webhooks on the local stack', () => {
  it('of the stage receive all states of all runs, in order, with valid signatures', async () => {
    const { id: webhookId, secret } = await register('/stage')
    const ids = await Promise.all([createRun(), createRun(), createRun()])
    const histories = await Promise.all(ids.map(execute))
    for (const id of ids) await receiver.until('/stage', secret, isEnd(id))
    const events = await receiver.until('/stage', secret, () => true)

    expect(ids.map((id) => statesOf(events, id))).toEqual(histories)
    await callOk('GET', `webhooks/${webhookId}`)
    expect((await call('DELETE', `webhooks/${webhookId}`)).status).toBe(204)
  })

  it('that fail temporarily receive all events later, in the same order', async () => {
    const id = await createRun()
    receiver.answer('/failing', 503, 500)
    const { secret } = await register('/failing', { runId: id })
    const other = await register('/working', { runId: id, types: ['run.finished'] })
    const [, ...states] = await execute(id)
    // Other webhooks do not wait for the failing one.
    const finished = await receiver.until('/working', other.secret, isEnd(id))
    const events = await receiver.until('/failing', secret, isEnd(id))
    const attempts = receiver.requests.filter(({ path }) => path === '/failing')

    expect(statesOf(finished, id)).toEqual(['FINISHED'])
    expect(statesOf(events, id).filter((state) => state !== 'CREATED')).toEqual(states)
    expect(attempts.slice(0, 3).map(({ status }) => status)).toEqual([503, 500, 204])
    expect(new Set(attempts.slice(0, 3).map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  })

  it('of the stage receive every state of imports, also when they fail for a while', async () => {
    const types = EVENT_TYPES.filter((type) => type.startsWith('import.'))
    receiver.answer('/imports', 503, 429, 500)
    const { id: webhookId, secret } = await register('/imports', { types })
    const good = await importBundle(await aSlideTask('org.example.told'))
    const bad = await importBundle(Buffer.from('not a zip'))
    expect([good, bad]).toEqual([200, 400])
    await receiver.until('/imports', secret, ({ type }) => type === 'import.ready')
    const events = await receiver.until('/imports', secret, ({ type }) => type === 'import.failed')
    expect((await call('DELETE', `webhooks/${webhookId}`)).status).toBe(204)

    const statesOfEnd = (type: EngineEvent['type']) =>
      statesOf(events, String(events.find((event) => event.type === type)?.data.id))
    expect(statesOfEnd('import.ready')).toEqual(['CREATED', 'VALIDATING', 'PUSHING', 'READY'])
    expect(statesOfEnd('import.failed').at(0)).toBe('CREATED')
    expect(statesOfEnd('import.failed').at(-1)).toBe('FAILED')
  })

  it('of a run set receive its events and those of its runs', async () => {
    const answer = await call('POST', 'run-sets', {
      task: EXAMPLE,
      shared: { b: 1, text: 'x' },
      rows: [{ a: 1 }, { a: 2 }],
    })
    const { id } = (await answer.json()) as { readonly id: string }
    const { secret } = await register('/set', {
      runSetId: id,
      types: ['run.finished', 'run-set.finished'],
    })
    const isSetEnd = ({ type, data }: EngineEvent) => type === 'run-set.finished' && data.id === id
    await receiver.until('/set', secret, isSetEnd)
    const rowsOf = (events: readonly EngineEvent[]) =>
      new Set(events.flatMap(({ data }) => ('set' in data && data.set ? [data.set.row] : [])))
    const events = await receiver.until(
      '/set',
      secret,
      () =>
        rowsOf(receiver.requests.filter(({ path }) => path === '/set').map(({ body }) => JSON.parse(body)))
          .size === 2,
    )

    expect([...rowsOf(events)].sort()).toEqual([1, 2])
  })

  it('cannot redirect an event, and receive nothing after their deletion', async () => {
    const id = await createRun()
    receiver.answer('/redirecting', 307, 307, 307, 307)
    const { id: webhookId } = await register('/redirecting', {
      runId: id,
      types: ['run.failed', 'run.deleted'],
    })
    const witness = await register('/witness', { runId: id })
    await callOk('POST', `task-runs/${id}/state-actions`, { desired: 'CANCELLED' })
    await expect
      .poll(() => receiver.requests.some(({ path }) => path === '/redirecting'), { timeout: 60_000 })
      .toBe(true)
    expect((await call('DELETE', `webhooks/${webhookId}`)).status).toBe(204)
    await callOk('DELETE', `task-runs/${id}`)
    await receiver.until('/witness', witness.secret, ({ type }) => type === 'run.deleted')

    expect(receiver.requests.filter(({ path }) => path === '/redirecting')).toHaveLength(1)
    expect(receiver.requests.filter(({ path }) => path === '/elsewhere')).toEqual([])
  })

  it.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://[::ffff:169.254.169.254]/',
    'http://2852039166/',
    'file:///etc/passwd',
    'http://user:word@127.0.0.1/',
  ])('are refused with the URL %s', async (url) => {
    const answer = await call('POST', 'webhooks', { url })

    expect([answer.status, ((await answer.json()) as { errorCode: string }).errorCode]).toEqual([
      400,
      'APPE-webhook-invalid',
    ])
  })
})

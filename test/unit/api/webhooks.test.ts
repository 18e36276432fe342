import { beforeEach, describe, expect, it } from 'vitest'
import { MAX_WEBHOOKS } from '../../../src/webhook/webhook.ts'
import { aRun, RUN_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { aRunSet, SET_ID } from '../../fixtures/run-sets.ts'

const BASE = '/app-engine/v1'
const UNKNOWN = '0f0f0f0f-0000-4000-8000-000000000000'
const URL_OF_HOOK = 'https://example.org/hook'

describe('webhooks', () => {
  let engine: Awaited<ReturnType<typeof anEngine>>
  beforeEach(async () => {
    engine = await anEngine({ run: aRun() })
    await engine.sets.create(aRunSet({ taskId: engine.task.id }))
  })

  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await createCheckedApp(engine).request(`${BASE}/${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, text, json: text === '' ? undefined : JSON.parse(text) }
  }
  const create = (body: unknown) => call('POST', 'webhooks', body)

  it('have a secret in the response to their creation, and in no other', async () => {
    const created = await create({ url: URL_OF_HOOK, types: ['run.finished'] })
    const { secret, ...shown } = created.json

    expect(created.status).toBe(201)
    expect(Buffer.from(secret.slice('whsec_'.length), 'base64')).toHaveLength(32)
    expect((await call('GET', `webhooks/${shown.id}`)).json).toEqual(shown)
    expect((await call('GET', 'webhooks')).json).toEqual([shown])
  })

  it.each([
    ['https:example.org', 'https://example.org/'],
    [' https://EXAMPLE.org:443/a/../hook?x=é ', 'https://example.org/hook?x=%C3%A9'],
    ['https:\\\\8.8.8.8\\hook', 'https://8.8.8.8/hook'],
    ['https://0x08080808', 'https://8.8.8.8/'],
  ])('store the URL %j as it is requested: %s', async (url, shown) => {
    const { json } = await create({ url })

    expect(json.url).toBe(shown)
    expect(await engine.webhooks.find(json.id)).toMatchObject({ url: shown })
  })

  it('receive events of all types from the whole stage by default', async () => {
    const { json } = await create({ url: URL_OF_HOOK, colour: 'blue' })

    expect(json).toMatchObject({ url: URL_OF_HOOK, types: null, runId: null, runSetId: null })
  })

  it('may be limited to a run or a run set that exists', async () => {
    const ofRun = await create({ url: URL_OF_HOOK, runId: RUN_ID })
    const ofSet = await create({ url: URL_OF_HOOK, runSetId: SET_ID })

    expect((await call('GET', `webhooks?runId=${RUN_ID}`)).json).toMatchObject([{ id: ofRun.json.id }])
    expect((await call('GET', `webhooks?runSetId=${SET_ID}`)).json).toMatchObject([{ id: ofSet.json.id }])
    expect((await call('GET', 'webhooks')).json).toEqual([])
    expect((await create({ url: URL_OF_HOOK, runId: UNKNOWN })).status).toBe(404)
    expect((await create({ url: URL_OF_HOOK, runSetId: UNKNOWN })).status).toBe(404)
    expect((await create({ url: URL_OF_HOOK, runId: RUN_ID, runSetId: SET_ID })).status).toBe(400)
  })

  it.each([
    ['no URL', 'hook'],
    ['a host without a scheme', 'example.org/hook'],
    ['http', 'http://example.org/hook'],
    ['a file', 'file:///etc/passwd'],
    ['gopher', 'gopher://example.org/'],
    ['a user name', 'https://user@example.org/'],
    ['a password', 'https://user:word@example.org/'],
    ['a fragment', 'https://example.org/#hook'],
    ['the metadata address', 'https://169.254.169.254/latest/meta-data/'],
    ['that address as a number', 'https://2852039166/'],
    ['that address in IPv6', 'https://[::ffff:169.254.169.254]/'],
    ['the metadata address of IPv6', 'https://[fd00:ec2::254]/'],
    ['this machine', 'https://127.0.0.1:9001/2018-06-01/runtime/invocation/next'],
    ['this machine in hexadecimal', 'https://0x7f000001/'],
    ['this machine in IPv6', 'https://[::1]/'],
    ['the unspecified address', 'https://0.0.0.0/'],
    ['a private network', 'https://10.0.0.1/'],
    ['this machine without slashes', 'https:127.0.0.1'],
    ['this machine with backslashes', 'https:\\\\127.0.0.1\\hook'],
    ['this machine as translated IPv6', 'https://[::ffff:0:127.0.0.1]/'],
    ['a URL that is too long when encoded', `https://example.org/${'é'.repeat(1500)}`],
    ['a URL that is too long', `https://example.org/${'x'.repeat(3000)}`],
  ])('are refused with %s as URL', async (_, url) => {
    const { status, json } = await create({ url })

    expect([status, json.errorCode]).toEqual([400, 'APPE-webhook-invalid'])
  })

  it.each([
    ['an unknown type', { url: URL_OF_HOOK, types: ['run.exploded'] }],
    ['an empty list of types', { url: URL_OF_HOOK, types: [] }],
    ['no URL', {}],
    ['a number', 5],
  ])('are refused with %s', async (_, body) => {
    expect((await create(body)).json).toMatchObject({ errorCode: 'APPE-webhook-invalid' })
  })

  it('of the emulator may call this machine without TLS, but not the metadata address', async () => {
    engine = { ...engine, webhookNetworks: 'local' }

    expect((await create({ url: 'http://127.0.0.1:8000/' })).status).toBe(201)
    expect((await create({ url: 'http://169.254.169.254/' })).status).toBe(400)
  })

  it('have a maximum number', async () => {
    for (let index = 0; index < MAX_WEBHOOKS; index += 1) await create({ url: URL_OF_HOOK })

    expect((await create({ url: URL_OF_HOOK })).json).toMatchObject({ errorCode: 'APPE-webhook-limit' })
    expect((await create({ url: URL_OF_HOOK, runId: RUN_ID })).status).toBe(201)
  })

  it('can be deleted repeatedly', async () => {
    const { json } = await create({ url: URL_OF_HOOK })

    expect((await call('DELETE', `webhooks/${json.id}`)).status).toBe(204)
    expect((await call('DELETE', `webhooks/${json.id}`)).status).toBe(204)
    expect((await call('GET', `webhooks/${json.id}`)).json).toMatchObject({
      errorCode: 'APPE-webhook-not-found',
    })
  })

  it('are created once by calls with the same key', async () => {
    const key = { 'idempotency-key': 'one' }
    const first = await call('POST', 'webhooks', { url: URL_OF_HOOK }, key)
    const second = await call('POST', 'webhooks', { url: URL_OF_HOOK }, key)

    expect(second.text).toBe(first.text)
    expect((await call('GET', 'webhooks')).json).toHaveLength(1)
  })

  it('cannot be changed by a page while the console of the stage is read-only', async () => {
    const deps = { ...engine, console: { mode: 'read-only', files: new Map() } as never }
    const response = await createCheckedApp(deps).request(`http://localhost${BASE}/webhooks`, {
      method: 'POST',
      headers: { origin: 'http://localhost', host: 'localhost' },
      body: JSON.stringify({ url: URL_OF_HOOK }),
    })

    expect(response.status).toBe(403)
    expect(await engine.webhooks.list({})).toEqual([])
  })
})

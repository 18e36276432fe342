import { beforeEach, describe, expect, it } from 'vitest'
import { storeGaveNothing } from '../../../src/store/store.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

const BASE = '/app-engine/v1'
const UNKNOWN = '0f0f0f0f-0000-4000-8000-000000000000'
const FIELDS = { name: 'Main store', host: 'https://store.example.org/' }

describe('stores', () => {
  let engine: Awaited<ReturnType<typeof anEngine>>
  beforeEach(async () => {
    engine = await anEngine()
  })

  async function call(method: string, path: string, body?: string) {
    const response = await createCheckedApp(engine).request(`${BASE}/${path}`, {
      method,
      ...(body !== undefined && { body }),
    })
    const text = await response.text()
    return { status: response.status, text, json: text === '' ? undefined : JSON.parse(text) }
  }
  const create = (body: unknown) => call('POST', 'stores', JSON.stringify(body))

  it('are created with exactly four keys, and never as the default', async () => {
    const answer = await create({ ...FIELDS, id: UNKNOWN, defaultStore: true, colour: 'blue' })

    expect(answer.status).toBe(200)
    expect(answer.text).toBe(
      JSON.stringify({ id: answer.json.id, name: FIELDS.name, host: FIELDS.host, defaultStore: false }),
    )
    expect(answer.json.id).not.toBe(UNKNOWN)
    expect((await call('GET', 'stores')).json).toEqual([answer.json])
  })

  it('are created without the space around name and host', async () => {
    const { json } = await create({ name: ' Main store\t', host: ' https://store.example.org/ \n' })

    expect(json).toMatchObject(FIELDS)
  })

  it.each([
    ['a blank name', { ...FIELDS, name: '  ' }],
    ['no name', { host: FIELDS.host }],
    ['null for a name', { ...FIELDS, name: null }],
    ['a number for a name', { ...FIELDS, name: 5 }],
    ['a blank host', { ...FIELDS, host: '' }],
    ['no host', { name: FIELDS.name }],
    ['nothing', {}],
    ['a host that is too long', { ...FIELDS, host: `http://${'x'.repeat(5000)}` }],
  ])('are refused with %s', async (_, body) => {
    expect(await create(body)).toMatchObject({
      status: 400,
      json: {
        errorCode: 'APPE-internal-invalid-store-data',
        message: 'invalid store data',
        details: { type: 'empty' },
      },
    })
  })

  it.each([undefined, '', '{"name":', '[]', 'null', '"Main store"', '5'])(
    'are refused when the body is not an object: %s',
    async (body) => {
      expect(await call('POST', 'stores', body)).toMatchObject({
        status: 400,
        json: {
          errorCode: 'APPE-internal-task-run-state-error',
          message: 'unknown state in transition request',
        },
      })
    },
  )

  it('are refused when a store with this name and host exists', async () => {
    await create(FIELDS)

    expect(await create({ ...FIELDS, name: ' Main store ' })).toMatchObject({
      status: 400,
      json: { errorCode: 'APPE-internal-store-exists', message: 'store already exists' },
    })
    expect((await create({ ...FIELDS, name: 'Other' })).status).toBe(200)
    expect((await create({ ...FIELDS, host: 'https://other.example.org' })).status).toBe(200)
  })

  it('return null while no store is the default', async () => {
    const answer = await call('GET', 'stores/default')

    expect([answer.status, answer.text]).toEqual([200, 'null'])
  })

  it('have one default, which can be changed', async () => {
    const first = (await create(FIELDS)).json
    const second = (await create({ ...FIELDS, name: 'Second' })).json

    const answers = [
      await call('PUT', `stores/${first.id}/default`),
      await call('PUT', `stores/${second.id}/default`),
    ]

    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [200, ''],
      [200, ''],
    ])
    expect((await call('GET', 'stores/default')).json).toEqual({ ...second, defaultStore: true })
    expect((await call('GET', 'stores')).json).toEqual([first, { ...second, defaultStore: true }])
  })

  it.each([UNKNOWN, 'not-a-uuid', 'default'])(
    'keep their default when the new one does not exist: %s',
    async (id) => {
      const { json } = await create(FIELDS)
      await call('PUT', `stores/${json.id}/default`)

      expect(await call('PUT', `stores/${id}/default`)).toMatchObject({
        status: 404,
        json: { errorCode: 'APPE-internal-store', message: 'store not found' },
      })
      expect((await call('GET', 'stores/default')).json.id).toBe(json.id)
    },
  )

  it('can be deleted, including the default', async () => {
    const { json } = await create(FIELDS)
    await call('PUT', `stores/${json.id}/default`)

    const answer = await call('DELETE', `stores/${json.id}`)

    expect([answer.status, answer.text]).toEqual([204, ''])
    expect((await call('GET', 'stores')).json).toEqual([])
    expect((await call('GET', 'stores/default')).json).toBeNull()
  })

  it.each([UNKNOWN, 'not-a-uuid'])('are deleted without an error when they do not exist: %s', async (id) => {
    expect((await call('DELETE', `stores/${id}`)).status).toBe(204)
  })

  it.each([
    ['PUT', 'stores'],
    ['GET', `stores/${UNKNOWN}`],
    ['POST', 'stores/default'],
    ['DELETE', 'stores/default'],
    ['GET', 'tasks/com.example/1.0.0/install'],
  ])('answer 405 to %s %s', async (method, path) => {
    expect((await call(method, path)).status).toBe(405)
  })
})

describe('installing', () => {
  const INSTALL = `${BASE}/tasks/com.example.addition/1.0.0/install`

  it('is refused without a default store', async () => {
    const app = createCheckedApp(await anEngine())

    const response = await app.request(INSTALL, { method: 'POST' })

    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      errorCode: 'APPE-appstore-no-default',
      message: 'no default store is configured',
      details: expect.objectContaining({ type: 'empty' }),
    })
  })

  it('returns the description of the task', async () => {
    const engine = await anEngine()
    await engine.stores.create({ ...FIELDS, id: UNKNOWN, createdAt: '2026-01-01T00:00:00.000Z' })
    await engine.stores.makeDefault(UNKNOWN)
    const { namespace, version } = { namespace: 'com.example.new', version: '2.0.0-rc.1' }
    const uploads: typeof engine.uploads = {
      ...engine.uploads,
      create: (upload) => engine.uploads.create({ ...upload, state: 'READY', taskId: engine.task.id }),
    }

    const response = await createCheckedApp({ ...engine, uploads }).request(
      `${BASE}/tasks/${namespace}/${version}/install`,
      { method: 'POST' },
    )

    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ id: engine.task.id, name: 'Addition' })
  })

  it('shows in the details why the store did not send a bundle', async () => {
    const engine = await anEngine()
    await engine.stores.create({ ...FIELDS, id: UNKNOWN, createdAt: '2026-01-01T00:00:00.000Z' })
    await engine.stores.makeDefault(UNKNOWN)

    const error = storeGaveNothing()
    const uploads: typeof engine.uploads = {
      ...engine.uploads,
      // Records the result as the importer does.
      create: (upload) =>
        engine.uploads.create({ ...upload, state: 'FAILED', error: { ...error.body, status: error.status } }),
    }

    const response = await createCheckedApp({ ...engine, uploads }).request(
      INSTALL.replace('addition', 'missing'),
      { method: 'POST' },
    )

    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      errorCode: 'APPE-appstore-download-failure',
      details: { type: 'related', description: expect.stringContaining('returned no bundle') },
    })
  })
})

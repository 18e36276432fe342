import { beforeEach, describe, expect, it, vi } from 'vitest'
import { takesKey } from '../../../lambdas/api/idempotent.ts'
import { type OperationId, ROUTES } from '../../../lambdas/api/route-table.ts'
import { DomainError } from '../../../src/contract/errors.ts'
import {
  CONTENT_DIGEST_HEADER,
  KEY_LEASE_SECONDS,
  KEY_SECONDS,
  MAX_STORED_ANSWER_BYTES,
} from '../../../src/contract/idempotency.ts'
import type { Upload } from '../../../src/upload/upload.ts'
import { aTask, RUN_ID, TASK_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { aRunSet, SET_ID } from '../../fixtures/run-sets.ts'

const BASE = '/app-engine/v1'
const RUNS = 'tasks/com.example.addition/1.0.0/runs'
const STORE = { name: 'Main store', host: 'https://store.example.org' }
const UPLOAD = { purpose: 'task', fileName: 'a.zip' }
const DIGEST = `sha256:${'a'.repeat(64)}`

/** A call of each operation that takes a key. */
const CREATIONS: Readonly<
  Record<string, { readonly path: string; readonly body?: () => object; readonly status?: number }>
> = {
  createRunById: { path: `tasks/${TASK_ID}/runs` },
  createRunByName: { path: RUNS },
  createUpload: { path: 'uploads', body: () => UPLOAD },
  createStore: { path: 'stores', body: () => STORE },
  createWebhook: { path: 'webhooks', body: () => ({ url: 'https://hooks.example.org/a' }), status: 201 },
  createRunSet: { path: 'run-sets', body: () => ({ taskId: TASK_ID, rows: [{ a: 1, b: 2 }] }), status: 201 },
  retryRunSet: { path: `run-sets/${SET_ID}/retry` },
  rerun: { path: `task-runs/${RUN_ID}/rerun`, status: 201 },
  uploadTask: { path: 'tasks', body: () => aBundle('x') },
  installTask: { path: 'tasks/com.example.new/1.0.0/install' },
}

type Engine = Awaited<ReturnType<typeof anEngine>>

/** An engine whose imports have ended when the call polls them. */
function withReadyUploads(engine: Engine): Engine {
  const ready = (upload: Upload): Upload => ({ ...upload, state: 'READY', taskId: engine.task.id })
  return {
    ...engine,
    uploads: { ...engine.uploads, create: (upload) => engine.uploads.create(ready(upload)) },
  }
}

function aBundle(content: string): FormData {
  const form = new FormData()
  form.set('task', new File([content], 'bundle.zip'))
  return form
}

describe('a call with an idempotency key', () => {
  let engine: Engine
  beforeEach(async () => {
    engine = await anEngine()
  })

  async function post(
    path: string,
    body?: object,
    { key = 'a key', headers = {}, on = engine }: { key?: string; headers?: object; on?: Engine } = {},
  ) {
    const answer = await createCheckedApp(on).request(`${BASE}/${path}`, {
      method: 'POST',
      headers: { 'idempotency-key': key, ...headers },
      ...(body !== undefined && { body: body instanceof FormData ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      text,
      json: JSON.parse(text),
      type: answer.headers.get('content-type'),
      isReplayed: answer.headers.get('idempotent-replayed') === 'true',
      retryAfter: answer.headers.get('retry-after'),
    }
  }

  it.each(Object.entries(CREATIONS))(
    'creates one resource by %s, however often it is sent',
    async (_, creation) => {
      const { path, body, status = 200 } = creation
      const on = withReadyUploads(await anEngine({ run: { state: 'FAILED' } }))
      await on.stores.create({ ...STORE, name: 'Default', id: DIGEST, createdAt: '2026-01-01T00:00:00.000Z' })
      await on.stores.makeDefault(DIGEST)
      await on.sets.create(aRunSet({ taskId: on.task.id, phase: 'cancelled' }))

      const first = await post(path, body?.(), { on })
      const again = await post(path, body?.(), { on })

      expect(first).toMatchObject({ status, isReplayed: false })
      expect(again).toEqual({ ...first, isReplayed: true })
    },
  )

  it('is tested with every operation that takes one', () => {
    const keyed = (Object.keys(ROUTES) as OperationId[]).filter(takesKey)

    expect(Object.keys(CREATIONS).toSorted()).toEqual(keyed.toSorted())
  })

  it('retries a run set once', async () => {
    await engine.sets.create(aRunSet({ taskId: engine.task.id, phase: 'cancelled' }))

    const first = await post(`run-sets/${SET_ID}/retry`)
    const again = await post(`run-sets/${SET_ID}/retry`)

    expect(again).toEqual({ ...first, isReplayed: true })
    expect(await engine.sets.find(SET_ID)).toMatchObject({ round: 2, executions: 2 })
  })

  it('creates one run', async () => {
    await post(RUNS)
    await post(RUNS)

    expect(await engine.runs.listByTask(engine.task.id)).toHaveLength(1)
  })

  it('reruns a run once', async () => {
    const on = await anEngine({ run: { state: 'FAILED' } })

    const first = await post(`task-runs/${RUN_ID}/rerun`, undefined, { on })
    const again = await post(`task-runs/${RUN_ID}/rerun`, undefined, { on })

    expect(first.status).toBe(201)
    expect(again).toEqual({ ...first, isReplayed: true })
    expect(await on.runs.listByTask(on.task.id)).toHaveLength(2)
  })

  it('creates another resource with another key, and with the same key after a day', async () => {
    const first = await post(RUNS)
    const other = await post(RUNS, undefined, { key: 'another' })
    engine.identity.advance(KEY_SECONDS)
    const later = await post(RUNS)

    expect(new Set([first, other, later].map(({ json }) => json.id)).size).toBe(3)
  })

  it.each([
    ['another body', 'uploads', { ...UPLOAD, fileName: 'b.zip' }],
    ['another path', 'stores', UPLOAD],
    ['another query', 'uploads?x=1', UPLOAD],
  ])('is refused when its key belongs to a call with %s', async (_, path, body) => {
    await post('uploads', UPLOAD)

    expect(await post(path, body)).toMatchObject({
      status: 422,
      json: {
        errorCode: 'APPE-idempotency-key-reused',
        message: expect.stringContaining('belongs to a call with another path or body'),
        details: { type: 'empty' },
      },
    })
  })

  it('is answered 409 with Retry-After while the first call is in progress', async () => {
    const gate = Promise.withResolvers<void>()
    const stores: Engine['stores'] = {
      ...engine.stores,
      create: async (store) => {
        await gate.promise
        return engine.stores.create(store)
      },
    }
    const first = post('stores', STORE, { on: { ...engine, stores } })
    await vi.waitFor(async () => expect((await post('stores', STORE)).status).toBe(409))

    const meanwhile = await post('stores', STORE)
    gate.resolve()

    expect(meanwhile).toMatchObject({
      status: 409,
      retryAfter: '5',
      json: { errorCode: 'APPE-idempotency-key-in-use', details: { type: 'empty' } },
    })
    const { status, text } = await first
    expect(await post('stores', STORE)).toMatchObject({ status, text, isReplayed: true })
  })

  it('is executed once the lease of a killed call has expired', async () => {
    const hangs: Engine['stores'] = { ...engine.stores, create: () => new Promise(() => undefined) }
    void post('stores', STORE, { on: { ...engine, stores: hangs } })
    await vi.waitFor(async () => expect((await post('stores', STORE)).status).toBe(409))

    engine.identity.advance(KEY_LEASE_SECONDS)

    expect(await post('stores', STORE)).toMatchObject({ status: 200, isReplayed: false })
  })

  it.each([
    ['refused', new DomainError('INTERNAL_TASK_EXISTS'), 409],
    ['throttled or failed', new Error('unavailable'), 500],
  ])('may be repeated, also with another body, after it was %s', async (_, error, status) => {
    const fails: Engine['stores'] = { ...engine.stores, create: () => Promise.reject(error) }
    expect(await post('stores', STORE, { on: { ...engine, stores: fails } })).toMatchObject({ status })

    expect(await post('stores', { ...STORE, name: 'Other' })).toMatchObject({
      status: 200,
      isReplayed: false,
    })
  })

  it('may be repeated when it was refused because of another resource', async () => {
    const install = 'tasks/com.example.new/1.0.0/install'
    const before = await post(install)
    await engine.stores.create({ ...STORE, id: DIGEST, createdAt: '2026-01-01T00:00:00.000Z' })
    await engine.stores.makeDefault(DIGEST)

    const after = await post(install, undefined, { on: withReadyUploads(engine) })

    expect([before.status, after.status]).toEqual([400, 200])
  })

  it.each(['', 'x'.repeat(256), 'clé'])('is refused when the key is invalid: %s', async (key) => {
    expect(await post('stores', STORE, { key })).toMatchObject({
      status: 400,
      json: { errorCode: 'APPE-idempotency-key-invalid' },
    })
    expect(await engine.stores.list()).toEqual([])
  })

  it('is compared without the boundary of its form when it has a bundle', async () => {
    const on = withReadyUploads(engine)
    const first = await post('tasks', aBundle('x'), { on })

    expect(await post('tasks', aBundle('x'), { on })).toEqual({ ...first, isReplayed: true })
    expect((await post('tasks', aBundle('y'), { on })).status).toBe(422)
  })

  it('replays a 202, except to a client that polls the import by the same call', async () => {
    const first = await post('tasks', aBundle('x'), { headers: { prefer: 'respond-async' } })
    const again = await post('tasks', aBundle('x'), { headers: { prefer: 'respond-async' } })
    const poll = () => post('tasks', { uploadId: first.json.id }, { key: 'poll' })
    const polls = [await poll(), await poll()]

    expect(first.status).toBe(202)
    expect(again).toEqual({ ...first, isReplayed: true })
    expect(polls).toMatchObject([
      { status: 202, isReplayed: false },
      { status: 202, isReplayed: false },
    ])
  })

  it('is compared by the digest from the edge, not by the upload id', async () => {
    const headers = { [CONTENT_DIGEST_HEADER]: DIGEST }
    const open = async () => (await post('uploads', UPLOAD, { key: crypto.randomUUID() })).json.id as string
    const [one, two] = [await open(), await open()]
    for (const id of [one, two]) {
      const { key = '', parts } = (await engine.uploads.find(id)) ?? {}
      engine.parts.receive(
        await engine.parts.presignPart(key, parts?.multipartId ?? '', 1, 60),
        Buffer.from('zip'),
      )
    }

    const first = await post('tasks', { uploadId: one, complete: true }, { headers })
    const again = await post('tasks', { uploadId: two, complete: true }, { headers })

    expect(first).toMatchObject({ status: 202, json: { id: one } })
    expect(again).toEqual({ ...first, isReplayed: true })
    expect((await engine.uploads.find(two))?.parts).toBeDefined()
  })

  it('is executed again when its response is too large to be stored', async () => {
    const task = aTask({ description: 'x'.repeat(MAX_STORED_ANSWER_BYTES) })
    const on = await anEngine({ task })

    const [first, again] = [await post(RUNS, undefined, { on }), await post(RUNS, undefined, { on })]

    expect([first.status, again.status, again.isReplayed]).toEqual([200, 200, false])
    expect(again.json.id).not.toBe(first.json.id)
  })

  it('is answered although the response cannot be stored', async () => {
    const idempotencyKeys: Engine['idempotencyKeys'] = {
      ...engine.idempotencyKeys,
      complete: () => Promise.reject(new Error('unavailable')),
    }

    expect((await post(RUNS, undefined, { on: { ...engine, idempotencyKeys } })).status).toBe(200)
    expect((await post(RUNS)).status).toBe(409)
  })
})

describe('the table of idempotency keys', () => {
  it('has no item for a call without a key', async () => {
    const engine = await anEngine()
    const claim = vi.spyOn(engine.idempotencyKeys, 'claim')

    const answers = await Promise.all(
      [RUNS, 'stores'].map((path) =>
        createCheckedApp(engine).request(`${BASE}/${path}`, { method: 'POST', body: JSON.stringify(STORE) }),
      ),
    )

    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(claim).not.toHaveBeenCalled()
  })

  it('has no item for a call that creates nothing', async () => {
    const engine = await anEngine({ run: {} })
    const claim = vi.spyOn(engine.idempotencyKeys, 'claim')

    await createCheckedApp(engine).request(`${BASE}/task-runs/${RUN_ID}/state-actions`, {
      method: 'POST',
      headers: { 'idempotency-key': 'a key' },
      body: JSON.stringify({ desired: 'RUNNING' }),
    })

    expect(claim).not.toHaveBeenCalled()
  })
})

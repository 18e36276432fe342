import { describe, expect, it } from 'vitest'
import { RUN_SECRET_HEADER } from '../../../src/contract/staging.ts'
import { descriptorKey, logoKey } from '../../../src/contract/storage-keys.ts'
import type { Run } from '../../../src/run/run.ts'
import { anInput, aRun, aTask, RUN_ID, TASK_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

/* Responses that no other test covers. The test server compares each with the OpenAPI document. */

const BASE = '/app-engine/v1'
const TASK = '/tasks/com.example.addition/1.0.0'
const UNKNOWN_TASK = '/tasks/com.example.addition/9.9.9'
const RUN = `/task-runs/${RUN_ID}`
const UNKNOWN = '44444444-4444-4444-8444-444444444444'
const UNKNOWN_RUN = `/task-runs/${UNKNOWN}`

const JOB = { attempt: 1, jobName: 'job' }
const STATES = {
  created: {},
  provisioned: {
    state: 'PROVISIONED',
    provisions: {
      a: { kind: 'value', valueId: UNKNOWN },
      list: { kind: 'value', valueId: UNKNOWN, size: 0 },
    },
  },
  running: { state: 'RUNNING', job: JOB },
  failed: { state: 'FAILED', job: JOB },
} as const satisfies Record<string, Partial<Run>>

const OUTPUT = { jobAttempt: 1, name: 'sum' }
const PARTS = { ...OUTPUT, multipartId: 'none' }

/** An API with a run in this state of a task with descriptor, logo and an array, an incomplete upload and a default store. */
async function anApi(state: keyof typeof STATES) {
  const list = { id: 'array', allowMissing: false, subType: { id: 'integer' } } as const
  const inputs = [anInput(), anInput({ name: 'list', type: list })]
  const engine = await anEngine({ task: aTask({ inputs, hasLogo: true }), run: STATES[state] })
  await engine.objects.put(descriptorKey(TASK_ID), 'name: Addition')
  await engine.objects.put(logoKey(TASK_ID), 'PNG')
  const createdAt = '2026-01-01T00:00:00.000Z'
  await engine.stores.create({ id: UNKNOWN, name: 'Store', host: 'https://store.example.org', createdAt })
  await engine.stores.makeDefault(UNKNOWN)
  const { request } = createCheckedApp(engine)
  const call = (method: string, path: string, body?: unknown) =>
    request(`${BASE}${path}`, {
      method,
      headers: { [RUN_SECRET_HEADER]: aRun().secret },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const { id } = (await (await call('POST', '/uploads', { purpose: 'input' })).json()) as {
    readonly id: string
  }
  return { call, openUpload: { uploadId: id } }
}

type State = keyof typeof STATES
type Call = readonly [status: number, method: string, path: string, body?: unknown]

const provision = (name: string): string => `${RUN}/input-provisions/${name}`
const STAGED: readonly (readonly [path: string, body: unknown])[] = [
  ['staging/outputs', { jobAttempt: 1, entries: [] }],
  ['staging/parts', OUTPUT],
  ['staging/parts/urls', { ...PARTS, first: 1, count: 1 }],
  ['staging/parts/complete', { ...PARTS, sizeBytes: 1 }],
]

const CALLS: Readonly<Record<State, readonly Call[]>> = {
  created: [
    [200, 'GET', `${TASK}/inputs`],
    [200, 'GET', `${TASK}/outputs`],
    [200, 'GET', `${TASK}/descriptor.yml`],
    [200, 'GET', `/tasks/${TASK_ID}/descriptor.yml`],
    [200, 'GET', `${TASK}/logo`],
    [200, 'POST', `${TASK}/runs`],
    [404, 'GET', `${UNKNOWN_TASK}/inputs`],
    [404, 'GET', `${UNKNOWN_TASK}/outputs`],
    [404, 'GET', `${UNKNOWN_TASK}/descriptor.yml`],
    [404, 'GET', `/tasks/${UNKNOWN}/outputs`],
    [404, 'GET', `/tasks/${UNKNOWN}/descriptor.yml`],
    [404, 'POST', `/tasks/${UNKNOWN}/runs`],
    [404, 'DELETE', UNKNOWN_TASK],
    [409, 'POST', `${TASK}/install`],
    [202, 'POST', `${UNKNOWN_TASK}/install`],
    [400, 'POST', `${RUN}/state-actions`, { desired: 'BEAUTIFUL' }],
    [403, 'POST', `${RUN}/state-actions`, { desired: 'RUNNING' }],
    [404, 'POST', `${UNKNOWN_RUN}/input-provisions/list/indexes?value=0`, { uploadId: UNKNOWN }],
    ...STAGED.map(([path, body]): Call => [404, 'POST', `${UNKNOWN_RUN}/${path}`, body]),
  ],
  provisioned: [[200, 'POST', `${RUN}/state-actions`, { desired: 'RUNNING' }]],
  running: [
    [403, 'PUT', `${RUN}/input-provisions`, [{ parameterName: 'a', value: 1 }]],
    [403, 'PUT', provision('a'), { value: 1 }],
    [403, 'PUT', provision('list/indexes?value=0'), { value: 1 }],
    [400, 'POST', `${RUN}/staging/parts/complete`, { ...PARTS, sizeBytes: 1 }],
  ],
  failed: STAGED.map(([path, body]): Call => [403, 'POST', `${RUN}/${path}`, body]),
}

const ALL_CALLS = (Object.keys(STATES) as State[]).flatMap((state) =>
  CALLS[state].map(([status, method, path, body]): readonly [State, number, string, string, unknown] => [
    state,
    status,
    method,
    path,
    body,
  ]),
)

describe('a response', () => {
  it.each(ALL_CALLS)(
    'about a run that is %s has status %d for %s %s',
    async (state, status, method, path, body) => {
      const { call } = await anApi(state)

      expect((await call(method, path, body)).status).toBe(status)
    },
  )

  it.each([
    ['PUT', `${RUN}/input-provisions`],
    ['PUT', provision('a')],
    ['POST', provision('a')],
    ['PUT', provision('list/indexes?value=0')],
    ['POST', provision('list/indexes?value=0')],
  ])('has status 409 for %s %s with an incomplete upload', async (method, path) => {
    const { call, openUpload } = await anApi('created')

    expect((await call(method, path, openUpload)).status).toBe(409)
  })
})

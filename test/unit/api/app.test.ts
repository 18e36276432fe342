import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../../lambdas/api/app.ts'
import { anInput, anOutput, aTask, RUN_ID, TASK_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

const BASE = '/app-engine/v1'

/** The API over in-memory adapters; `call` returns status and parsed body. */
async function anApi(options: Parameters<typeof anEngine>[0] = {}) {
  const engine = await anEngine(options)
  const app = createCheckedApp(engine)
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await app.fetch(path, {
      method,
      ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    let json: unknown
    try {
      json = JSON.parse(text)
    } catch {
      json = undefined
    }
    return { status: response.status, headers: response.headers, text, json }
  }
  return { ...engine, call }
}

describe('the routes', () => {
  it.each(['/ping', `${BASE}/ping`])('answer ping at %s', async (path) => {
    const { call } = await anApi()

    expect(await call('GET', path)).toMatchObject({
      status: 200,
      json: { status: 'UP', service: 'app-engine' },
    })
  })

  it('return the JSON schema of descriptors that docs/ has', async () => {
    const { call } = await anApi()

    const { status, json } = await call('GET', `${BASE}/schema/task.json`)

    expect(status).toBe(200)
    expect(json).toEqual(JSON.parse(readFileSync('docs/task.schema.json', 'utf8')))
  })

  it('list the allowed methods in the response to any other method', async () => {
    const { call } = await anApi()

    const { headers } = await call('POST', `${BASE}/task-runs/${RUN_ID}`)

    expect(headers.get('allow')).toBe('GET, DELETE, HEAD')
  })

  it.each(['/tasks', '/nothing'])(
    'answer HEAD of %s with the length of the response to GET',
    async (path) => {
      const app = createApp(await anEngine())

      const get = await app.request(`${BASE}${path}`)
      const head = await app.request(`${BASE}${path}`, { method: 'HEAD' })

      expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([
        get.status,
        String((await get.arrayBuffer()).byteLength),
        '',
      ])
    },
  )

  it.each(['/ping', '/nothing'])('answer %s with X-Content-Type-Options: nosniff', async (path) => {
    const { call } = await anApi()

    expect((await call('GET', path)).headers.get('x-content-type-options')).toBe('nosniff')
  })

  it('accept the doubled slashes that core writes', async () => {
    const { call } = await anApi()

    expect((await call('GET', `${BASE}//tasks`)).status).toBe(200)
  })

  it.each([
    ['GET', `${BASE}/nothing`, 404],
    ['GET', '/', 404],
    ['GET', `${BASE}/tasks/`, 404],
    ['PATCH', `${BASE}/tasks`, 405],
    ['POST', `${BASE}/task-runs/${RUN_ID}`, 405],
    ['POST', '/ping', 405],
    ['POST', `${BASE}/ping`, 405],
  ])('refuse %s %s with %d and an error in the shape of the contract', async (method, path, status) => {
    const { call } = await anApi()

    const answer = await call(method, path)

    expect(answer.status).toBe(status)
    expect(answer.json).toMatchObject({
      errorCode: 'APPE-internal-server-error',
      details: { type: 'empty' },
    })
  })

  it('answer an unexpected failure with the id of the request only', async () => {
    const engine = await anEngine()
    const tasks = { ...engine.tasks, list: () => Promise.reject(new Error('table arn:secret')) }

    const response = await createCheckedApp({ ...engine, tasks }).request(`${BASE}/tasks`)

    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({
      errorCode: 'APPE-internal-server-error',
      message: 'Server error.',
      details: {
        type: 'server',
        exceptionMessage: expect.stringMatching(/^request /u),
        errors: [expect.objectContaining({ message: expect.stringMatching(/^request /u) })],
      },
    })
  })
})

describe('tasks', () => {
  it('have the same description in the list, by id and by name', async () => {
    const { call } = await anApi()
    const description = {
      id: TASK_ID,
      name: 'Addition',
      namespace: 'com.example.addition',
      version: '1.0.0',
      description: null,
      authors: [expect.objectContaining({ firstName: 'Ada', isContact: true })],
    }

    expect((await call('GET', `${BASE}/tasks`)).json).toEqual([description])
    expect((await call('GET', `${BASE}/tasks/${TASK_ID}`)).json).toEqual(description)
    expect((await call('GET', `${BASE}/tasks/com.example.addition/1.0.0`)).json).toEqual(description)
  })

  it('list their inputs with the keys default and display_name', async () => {
    const task = aTask({
      inputs: [
        anInput({
          name: 'rate',
          type: { id: 'number', geq: 0, infinityAllowed: false, nanAllowed: false },
          default: 0.5,
        }),
        anInput({ name: 'picture', type: { id: 'image' } }),
      ],
    })
    const { call } = await anApi({ task })

    const { json } = await call('GET', `${BASE}/tasks/${TASK_ID}/inputs`)

    expect(json).toEqual([
      expect.objectContaining({
        default: '0.5',
        display_name: 'rate',
        type: { id: 'number', geq: 0, infinityAllowed: false, nanAllowed: false },
      }),
      expect.objectContaining({ default: 'null', type: { id: 'image', formats: null } }),
    ])
  })

  it('list nested arrays with nested sub types', async () => {
    const inner = { id: 'array' as const, allowMissing: false, subType: { id: 'integer' as const } }
    const type = { id: 'array' as const, minSize: 1, maxSize: 5, allowMissing: false, subType: inner }
    const { call } = await anApi({ task: aTask({ outputs: [anOutput({ type, derivedFrom: 'a' })] }) })

    const { json } = await call('GET', `${BASE}/tasks/${TASK_ID}/outputs`)

    expect(json).toEqual([
      expect.objectContaining({
        displayName: 'sum',
        derivedFrom: 'a',
        type: { id: 'array', minSize: 1, maxSize: 5, subType: { id: 'array', subType: { id: 'integer' } } },
      }),
    ])
  })

  it.each([
    'tasks/not-a-uuid',
    `tasks/${RUN_ID}/inputs`,
    'tasks/com.example/1.0.0',
    'tasks/com.example/1.0.0/logo',
  ])('are answered 404 when unknown: %s', async (path) => {
    const { call } = await anApi()

    expect(await call('GET', `${BASE}/${path}`)).toMatchObject({
      status: 404,
      json: { errorCode: 'APPE-internal-task-not-found', details: { type: 'empty' } },
    })
  })

  it('list no runs while they are being removed, so that core can repeat the deletion', async () => {
    const { call, tasks, task } = await anApi({ run: {} })
    await tasks.beginRemoval(task)
    const path = `${BASE}/tasks/${task.namespace}/${task.version}`

    const runs = await call('GET', `${path}/runs`)
    const others = [await call('GET', path), await call('POST', `${path}/runs`)]
    const deleted = await call('DELETE', path)

    expect([runs.status, runs.json]).toEqual([200, []])
    expect(others.map(({ status }) => status)).toEqual([404, 404])
    expect([deleted.status, (await call('GET', `${path}/runs`)).status]).toEqual([200, 404])
  })

  it('are refused when the body is not multipart, has no part, or starts with a form field', async () => {
    const { call } = await anApi()
    const text = new FormData()
    text.append('task', 'just text')

    expect((await call('POST', `${BASE}/tasks`, { a: 1 })).json).toMatchObject({
      errorCode: 'APPE-internal-not-multipart',
    })
    expect((await call('POST', `${BASE}/tasks`, new FormData())).status).toBe(400)
    expect((await call('POST', `${BASE}/tasks`, text)).json).toMatchObject({
      errorCode: 'APPE-internal-no-file-but-form-field',
    })
  })

  it('are answered with 202 for Prefer: respond-async when the import takes too long, else with an error', async () => {
    const bundle = new FormData()
    bundle.append('task', new Blob(['bundle']), 'task.zip')
    const app = createCheckedApp(await anEngine())
    const send = (headers: Record<string, string>) =>
      app.request(`${BASE}/tasks`, { method: 'POST', body: bundle, headers })

    const promised = await send({ prefer: 'respond-async' })
    const failed = await send({})

    expect([promised.status, failed.status]).toEqual([202, 500])
    expect(await promised.json()).toMatchObject({ state: 'CREATED', id: expect.any(String) })
    expect(await failed.text()).toContain('continues')
  })
})

describe('runs', () => {
  it('have exactly three keys when they are created', async () => {
    const { call } = await anApi()

    const { json } = await call('POST', `${BASE}/tasks/${TASK_ID}/runs`)

    expect(Object.keys(json as object)).toEqual(['id', 'task', 'state'])
  })

  it('serve their input files after provisioning', async () => {
    const { call } = await anApi({ run: {} })
    const run = `${BASE}/task-runs/${RUN_ID}`

    const answer = await call('PUT', `${run}/input-provisions/a`, {
      parameterName: 'a',
      value: 18,
      type: { id: 1 },
    })
    await call('PUT', `${run}/input-provisions/b`, { value: 2 })

    expect(answer.json).toEqual({ parameterName: 'a', value: 18, taskRunId: RUN_ID })
    expect((await call('GET', run)).json).toMatchObject({ state: 'PROVISIONED' })
    expect((await call('GET', `${run}/inputs`)).json).toEqual([
      { taskRunId: RUN_ID, parameterName: 'a', type: 'INTEGER', value: 18 },
      { taskRunId: RUN_ID, parameterName: 'b', type: 'INTEGER', value: 2 },
    ])
    const file = await call('GET', `${run}/input/a`)
    expect([file.text, file.headers.get('content-disposition')]).toEqual(['18', 'attachment; filename="a"'])
    const zip = await call('GET', `${run}/inputs.zip`)
    expect([zip.status, zip.text.slice(0, 2)]).toEqual([200, 'PK'])
  })

  it.each([
    [
      'another parameter in the body',
      'a',
      { parameterName: 'b', value: 1 },
      404,
      'APPE-internal-parameter-not-found',
    ],
    ['an unknown parameter', 'x', { value: 1 }, 404, 'APPE-internal-parameter-not-found'],
    ['a list in place of one provision', 'a', [], 400, 'APPE-internal-task-run-state-error'],
    ['a value of the wrong type', 'a', { value: 'many' }, 400, 'APPE-internal-request-validation-error'],
    ['null for a required input', 'a', { value: null }, 400, 'APPE-internal-null-provision'],
  ])('refuse %s', async (_, parameter, body, status, errorCode) => {
    const { call } = await anApi({ run: {} })

    const answer = await call('PUT', `${BASE}/task-runs/${RUN_ID}/input-provisions/${parameter}`, body)

    expect(answer).toMatchObject({ status, json: { errorCode } })
  })

  it('answer 403 with a body of two keys if outputs are listed before FINISHED', async () => {
    const { call } = await anApi({ run: { state: 'RUNNING' } })

    const answer = await call('GET', `${BASE}/task-runs/${RUN_ID}/outputs`)

    expect(answer.status).toBe(403)
    expect(answer.json).toEqual({
      errorCode: 'APPE-internal-task-run-state-error',
      message: 'run is in invalid state: the run is RUNNING; outputs can be read once it is FINISHED',
    })
  })

  it('show the failure in their description and their log', async () => {
    const failure = { kind: 'task-failed' as const, message: 'the task ended with exit code 3', exitCode: 3 }
    const { call } = await anApi({ run: { state: 'FAILED', failure } })

    expect((await call('GET', `${BASE}/task-runs/${RUN_ID}`)).json).toMatchObject({ error: failure })
    expect((await call('GET', `${BASE}/task-runs/${RUN_ID}/logs`)).text).toContain('exit code 3')
  })

  it.each([
    ['GET', ''],
    ['GET', '/inputs'],
    ['GET', '/outputs'],
    ['GET', '/inputs.zip'],
    ['GET', '/input/a'],
    ['GET', '/logs'],
    ['PUT', '/input-provisions'],
    ['PUT', '/input-provisions/a'],
    ['POST', '/state-actions'],
    ['POST', '/secret/outputs.zip'],
    ['GET', '/staging/inputs'],
  ])('are answered 404 when unknown: %s task-runs/{id}%s', async (method, rest) => {
    const { call } = await anApi()
    const body = method === 'GET' ? undefined : { desired: 'RUNNING' }

    expect(await call(method, `${BASE}/task-runs/${RUN_ID}${rest}`, body)).toMatchObject({
      status: 404,
      json: { errorCode: 'APPE-internal-run-not-found-error' },
    })
  })

  it('are deleted with their files, and deleting them again succeeds', async () => {
    const { call, objects } = await anApi({ run: {} })
    await objects.put(`task-run-outputs-${RUN_ID}/1-1/sum`, '1')

    const answers = [
      await call('DELETE', `${BASE}/task-runs/${RUN_ID}`),
      await call('DELETE', `${BASE}/task-runs/${RUN_ID}`),
    ]

    expect(answers.map((answer) => [answer.status, answer.text])).toEqual([
      [200, ''],
      [200, ''],
    ])
    expect(objects.keys()).toEqual([])
  })

  it('never show their secret', async () => {
    const { call } = await anApi({ run: {} })

    for (const path of [`/task-runs/${RUN_ID}`, '/tasks/com.example.addition/1.0.0/runs']) {
      expect((await call('GET', `${BASE}${path}`)).text).not.toContain('secret')
    }
  })
})

describe('a run that waits or was cancelled', () => {
  const waiting = { reason: 'CAPACITY: none', since: '2025-12-31T23:00:00.000Z' }
  const job = { attempt: 1, jobName: 'run', jobId: 'job', waiting }

  it('shows the reason why it waits', async () => {
    const { call } = await anApi({ run: { state: 'PENDING', job } })

    expect((await call('GET', `${BASE}/task-runs/${RUN_ID}`)).json).toMatchObject({
      state: 'PENDING',
      statusReason: 'CAPACITY: none',
    })
  })

  it('answers a cancellation like any state action', async () => {
    const { call } = await anApi({ run: { state: 'PENDING', job } })

    const answer = await call('POST', `${BASE}/task-runs/${RUN_ID}/state-actions`, { desired: 'CANCELLED' })

    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({
      status: 'success',
      resource: {
        id: RUN_ID,
        state: 'FAILED',
        error: { kind: 'cancelled', message: 'the run was cancelled' },
      },
    })
    expect(answer.json).not.toHaveProperty('resource.statusReason')
  })
})

/*
 * Runs the example task once, by openapi-fetch with the types that openapi-typescript generates. Compiled in the folder of the generated
 * schema.d.ts. Arguments: base URL, bundle.
 */
import { strict as assert } from 'node:assert'
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import createClient from 'openapi-fetch'
import type { components, paths } from './schema'

const PATIENCE_MS = 120_000
const POLL_MS = 200
const INPUTS = { a: 2, b: 40, text: 'from TypeScript' }

const [baseUrl = '', bundle = ''] = process.argv.slice(2)
const client = createClient<paths>({ baseUrl: baseUrl.replace(/\/$/u, '') })

/** `noValue` compiles only if the generated types keep the `null` of values in listings. */
type Value = components['schemas']['ImageValue']['value']
const noValue: Value = null

async function main(): Promise<void> {
  const form = new FormData()
  form.append('task', new Blob([await readFile(bundle)]), 'bundle.zip')
  const uploaded = await client.POST('/tasks', {
    body: form as never,
    bodySerializer: (body) => body as never,
  })
  assert.ok(uploaded.data !== undefined || uploaded.response.status === 409, JSON.stringify(uploaded.error))

  const { data: tasks = [] } = await client.GET('/tasks')
  const task = tasks.find(({ namespace }) => namespace === 'org.example.add-and-echo')
  assert.ok(task !== undefined)
  const { namespace, version } = task
  const { data: run } = await client.POST('/tasks/{namespace}/{version}/runs', {
    params: { path: { namespace, version } },
  })
  assert.ok(run !== undefined)
  const params = { path: { id: run.id } }
  const body = Object.entries(INPUTS).map(([parameterName, value]) => ({ parameterName, value }))
  const { data: provisioned = [] } = await client.PUT('/task-runs/{id}/input-provisions', { params, body })
  assert.deepEqual(
    provisioned.map((one) => one.parameterName),
    Object.keys(INPUTS),
  )

  const { data: started } = await client.POST('/task-runs/{id}/state-actions', {
    params,
    body: { desired: 'RUNNING' },
  })
  assert.equal(started?.status, 'success')
  const giveUpAt = Date.now() + PATIENCE_MS
  let state: components['schemas']['RunState'] = 'QUEUING'
  while (state !== 'FINISHED') {
    assert.ok(state !== 'FAILED' && Date.now() < giveUpAt, `the run is ${state}`)
    await pause(POLL_MS)
    state = (await client.GET('/task-runs/{id}', { params })).data?.state ?? state
  }

  const { data: outputs = [] } = await client.GET('/task-runs/{id}/outputs', { params })
  const values = Object.fromEntries(
    outputs.map((one) => [one.parameterName, 'value' in one ? one.value : undefined]),
  )
  assert.deepEqual(values, { sum: 42, echo: 'from TypeScript' })
  const { data: file } = await client.GET('/task-runs/{id}/output/{parameter}', {
    params: { path: { id: run.id, parameter: 'echo' } },
    parseAs: 'text',
  })
  assert.equal(String(file).trim(), 'from TypeScript')
  const unknown = await client.GET('/task-runs/{id}', {
    params: { path: { id: '5a4d7f0e-1111-4c4c-9c9c-0123456789ab' } },
  })
  assert.equal(unknown.error?.errorCode, 'APPE-internal-run-not-found-error')
  await client.DELETE('/task-runs/{id}', { params })
  console.log(`TypeScript: compiled, run FINISHED with ${JSON.stringify(values)}, no value is ${noValue}`)
}

void main()

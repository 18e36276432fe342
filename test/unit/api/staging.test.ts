import { describe, expect, it } from 'vitest'
import { RUN_SECRET_HEADER } from '../../../src/contract/staging.ts'
import { aRun, RUN_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

const STAGING = `/app-engine/v1/task-runs/${RUN_ID}/staging`
const RUN = { state: 'RUNNING', job: { attempt: 1, jobName: 'run-1' } } as const

/** Sends a call of the stager of a run in progress. */
async function stage(
  rest: string,
  { body, secret = aRun().secret }: { body?: string; secret?: string } = {},
) {
  const app = createCheckedApp(await anEngine({ run: RUN }))
  return app.request(`${STAGING}/${rest}`, {
    headers: { [RUN_SECRET_HEADER]: secret },
    ...(body !== undefined && { method: 'POST', body }),
  })
}

describe('the staging routes', () => {
  it('list the files of the input folder', async () => {
    const engine = await anEngine({
      run: {
        ...RUN,
        provisions: { a: { kind: 'value', valueId: 'v1' }, b: { kind: 'value', valueId: 'v2' } },
      },
    })
    const input = { runId: RUN_ID, parameterName: 'a', valueId: 'v1' }
    await engine.runs.putInput({ ...input, file: { kind: 'inline', text: '18' } })
    await engine.runs.putInput({
      ...input,
      parameterName: 'b',
      valueId: 'v2',
      file: { kind: 'object', key: 'large', sizeBytes: 5_000_000 },
    })

    const response = await createCheckedApp(engine).request(`${STAGING}/inputs`, {
      headers: { [RUN_SECRET_HEADER]: aRun().secret },
    })

    expect(await response.json()).toEqual({
      files: [
        { path: 'a', content: { kind: 'inline', text: '18' } },
        { path: 'b', content: { kind: 'url', url: expect.stringContaining('large'), sizeBytes: 5_000_000 } },
      ],
    })
  })

  it('sign URLs for declared outputs and their listing', async () => {
    const entries = ['sum', 'other'].map((name) => ({ name, kind: 'file', sizeBytes: 1 }))

    const response = await stage('outputs', { body: JSON.stringify({ jobAttempt: 1, entries }) })

    expect(await response.json()).toEqual({
      uploads: [{ name: 'sum', url: expect.stringContaining('sum') }],
      listingUrl: expect.any(String),
    })
  })

  it('sign URLs for the address at which jobs reach the bucket', async () => {
    const engine = await anEngine({ run: RUN })
    const objects = { ...engine.objects, presignWrite: async (key: string) => `http://jobs/${key}` }
    const app = createCheckedApp({ ...engine, forJobs: { objects, parts: engine.parts } })

    const response = await app.request(`${STAGING}/outputs`, {
      method: 'POST',
      headers: { [RUN_SECRET_HEADER]: aRun().secret },
      body: JSON.stringify({ jobAttempt: 1, entries: [{ name: 'sum', kind: 'file', sizeBytes: 1 }] }),
    })

    expect(await response.json()).toMatchObject({ listingUrl: expect.stringMatching(/^http:\/\/jobs\//u) })
  })

  it('accept a large output in parts', async () => {
    const engine = await anEngine({ run: RUN })
    const app = createCheckedApp(engine)
    const post = async (rest: string, body: object) => {
      const response = await app.request(`${STAGING}/parts${rest}`, {
        method: 'POST',
        headers: { [RUN_SECRET_HEADER]: aRun().secret },
        body: JSON.stringify({ jobAttempt: 1, name: 'sum', ...body }),
      })
      return (await response.json()) as { multipartId: string; urls: string[] }
    }

    const { multipartId } = await post('', {})
    const { urls } = await post('/urls', { multipartId, first: 1, count: 2 })
    engine.parts.receive(urls[0] ?? '', Buffer.alloc(5 * 1024 * 1024))
    engine.parts.receive(urls[1] ?? '', Buffer.from('42'))
    const sizeBytes = 5 * 1024 * 1024 + 2

    expect(await post('/complete', { multipartId, sizeBytes })).toEqual({ sizeBytes })
  })

  it.each([
    [
      'the wrong secret for parts',
      'parts',
      { body: '{"jobAttempt":1,"name":"sum"}', secret: 'wrong' },
      'APPE-scheduler-unauthenticated-output-provisioning',
    ],
    [
      'parts of an output that the task does not have',
      'parts',
      { body: '{"jobAttempt":1,"name":"other"}' },
      'APPE-upload-invalid',
    ],
    [
      'part numbers that S3 does not have',
      'parts/urls',
      { body: '{"jobAttempt":1,"name":"sum","multipartId":"x","first":10001,"count":1}' },
      'APPE-internal-task-run-state-error',
    ],
    ['the wrong secret', 'inputs', { secret: 'wrong' }, 'APPE-scheduler-unauthenticated-output-provisioning'],
    ['a body that is not JSON', 'outputs', { body: '{' }, 'APPE-internal-task-run-state-error'],
    ['a body without entries', 'outputs', { body: '{"jobAttempt":1}' }, 'APPE-internal-task-run-state-error'],
  ])('refuse %s', async (_, rest, request, errorCode) => {
    const response = await stage(rest, request)

    expect([response.status, await response.json()]).toEqual([400, expect.objectContaining({ errorCode })])
  })

  it('refuse calls once the run has ended', async () => {
    const app = createCheckedApp(await anEngine({ run: { ...RUN, state: 'FINISHED' } }))

    const response = await app.request(`${STAGING}/inputs`, {
      headers: { [RUN_SECRET_HEADER]: aRun().secret },
    })

    expect(response.status).toBe(403)
  })
})

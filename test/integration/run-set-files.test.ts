import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { REGION } from '../../local/aws-environment.ts'
import type { JsonValue } from '../../src/contract/json.ts'
import { digestOf } from '../../src/shared/content-digest.ts'
import { INPUT_BUCKET } from '../fixtures/input-bucket.ts'
import { aSlideTask } from '../fixtures/slide-task.ts'
import { call, callOk, startRun, waitForState } from './engine-client.ts'

const TASK = { namespace: 'org.example.slides', version: '1.0.0' }
const SLIDE = Buffer.alloc(6 * 1024 * 1024, 'slide')

interface SetView {
  readonly id: string
  readonly state: string
  readonly counts: { readonly finished: number; readonly failed: number }
  readonly problems?: { readonly content: readonly { readonly message: string }[] }
}

let bucket: S3Client

beforeAll(async () => {
  const form = new FormData()
  form.append('task', new Blob([new Uint8Array(await aSlideTask(TASK.namespace))]), 'bundle.zip')
  await callOk('POST', 'tasks', form)
  bucket = new S3Client({
    endpoint: inject('storageUrl'),
    region: REGION,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    forcePathStyle: true,
  })
  await bucket.send(new CreateBucketCommand({ Bucket: INPUT_BUCKET }))
})

async function put(key: string, body: Buffer): Promise<string> {
  await bucket.send(
    new PutObjectCommand({ Bucket: INPUT_BUCKET, Key: key, Body: body, ContentLength: body.length }),
  )
  return `s3://${INPUT_BUCKET}/${key}`
}

/** Creates a set with a row for each reference, and waits until it has ended. */
async function executeOn(...references: readonly JsonValue[]): Promise<SetView> {
  const rows = references.map((slide) => ({ slide }))
  const { id } = (await (await call('POST', 'run-sets', { task: TASK, rows })).json()) as SetView
  const read = async () => (await (await callOk('GET', `run-sets/${id}`)).json()) as SetView
  await expect.poll(async () => (await read()).state, { timeout: 90_000 }).toMatch(/^(?:FINISHED|FAILED)$/u)
  return read()
}

/** Digests of the slides that the runs of a set were given, by row. */
async function slidesOf({ id }: SetView): Promise<readonly string[]> {
  const answer = await callOk('GET', `run-sets/${id}/runs`)
  const { content } = (await answer.json()) as { readonly content: readonly { readonly runId: string }[] }
  return Promise.all(
    content.map(async ({ runId }) => {
      const slide = await callOk('GET', `task-runs/${runId}/input/slide`)
      return digestOf(Buffer.from(await slide.arrayBuffer()))
    }),
  )
}

describe('rows of a run set', () => {
  it('name objects of an allowed bucket', async () => {
    const small = await put('cohort 1/a small slide.tiff', Buffer.from('small'))
    const large = await put('cohort 1/ä.svs', SLIDE)

    const set = await executeOn(small, large)

    expect([set.state, set.counts.finished]).toEqual(['FINISHED', 2])
    expect(await slidesOf(set)).toEqual([digestOf('small'), digestOf(SLIDE)])
  })

  it('name outputs of other runs', async () => {
    const run = await startRun(`tasks/${TASK.namespace}/${TASK.version}`, { write_file_mib: 1 })
    const { id } = await waitForState(run, ['FINISHED'])
    const written = Buffer.from(await (await callOk('GET', `${run}/output/file`)).arrayBuffer())

    const set = await executeOn(`run:${id}/file`)

    expect([set.state, set.counts.finished]).toEqual(['FINISHED', 1])
    expect(written).toHaveLength(1024 * 1024)
    expect(await slidesOf(set)).toEqual([digestOf(written)])
  })

  it('are refused, with a problem for each invalid reference', async () => {
    const set = await executeOn(
      `s3://${INPUT_BUCKET}/cohort 1/missing.tiff`,
      `s3://${inject('bucketName')}/uploads/secret`,
      'run:00000000-0000-4000-8000-000000000000/file',
    )

    expect([set.state, set.counts.finished + set.counts.failed]).toEqual(['FAILED', 0])
    expect(set.problems?.content.map(({ message }) => message)).toEqual([
      expect.stringContaining('no object "cohort 1/missing.tiff"'),
      expect.stringContaining('inputBuckets'),
      expect.stringContaining('run'),
    ])
  })
})

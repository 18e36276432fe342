import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { beforeAll, describe, expect, it } from 'vitest'
import { openZip } from '../../src/archive/zip/read-zip.ts'
import { bufferSource } from '../../src/shared/byte-source.ts'
import { readAll } from '../../src/shared/read-all.ts'
import { packZip } from '../fixtures/bundle-builder.ts'
import { call, callOk, outputsOf, waitForState } from './engine-client.ts'

const NAMESPACE = 'org.example.reuse'
const TASK = `tasks/${NAMESPACE}/1.0.0`
const MIB = 1024 * 1024

interface RunView {
  readonly id: string
  readonly state: string
  readonly reusedFrom?: string
  readonly notReused?: { readonly reason: string }
  readonly history: readonly { readonly state: string }[]
}

/** The probe task with a file among its inputs, which it does not read. */
async function aBundle(): Promise<Buffer> {
  const zip = await openZip(bufferSource(await readFile('test/fixtures/probe-task/probe-task.zip')))
  const read = async (name: string): Promise<Buffer> => {
    const entry = zip.entries.find((one) => one.name === name)
    if (entry === undefined) throw new Error(`the bundle has no ${name}`)
    return readAll(Readable.from(zip.read(entry)))
  }
  const slide = 'inputs:\n  slide: {display_name: Slide, description: Large, type: file, optional: true}'
  const descriptor = (await read('descriptor.yml'))
    .toString()
    .replace('org.example.probe-task', NAMESPACE)
    .replace('inputs:', slide)
  return packZip([
    { name: 'descriptor.yml', body: Buffer.from(descriptor) },
    { name: 'image.tar', body: await read('image.tar') },
  ])
}

beforeAll(async () => {
  const form = new FormData()
  form.append('task', new Blob([new Uint8Array(await aBundle())]), 'bundle.zip')
  await callOk('POST', 'tasks', form)
})

/** A run with these inputs; a slide goes through the edge, which makes an upload of a large one. */
async function aRun(slide: Buffer | undefined, print: string): Promise<string> {
  const { id } = (await (await callOk('POST', `${TASK}/runs`)).json()) as RunView
  const run = `task-runs/${id}`
  await callOk('PUT', `${run}/input-provisions/print`, { value: print })
  if (slide !== undefined) {
    const form = new FormData()
    form.append('file', new Blob([new Uint8Array(slide)]), 'slide')
    await callOk('POST', `${run}/input-provisions/slide`, form)
  }
  return run
}

async function start(run: string): Promise<RunView & { readonly milliseconds: number }> {
  const begin = performance.now()
  const answer = await callOk('POST', `${run}/state-actions`, { desired: 'RUNNING', reuse: true })
  const { resource } = (await answer.json()) as { readonly resource: RunView }
  return { ...resource, milliseconds: performance.now() - begin }
}

async function executed(slide: Buffer | undefined, print: string): Promise<string> {
  const run = await aRun(slide, print)
  expect(await start(run)).toMatchObject({ state: 'QUEUING', notReused: { reason: 'no-equal-run' } })
  await waitForState(run, ['FINISHED'])
  return run
}

describe('a second run with reuse', () => {
  it.each([
    ['in the body of a call', 1000],
    ['through an upload', 6 * MIB],
    ['in ranges, because it is large', 130 * MIB],
  ])('takes less than a second and starts no container, its slide copied %s', async (_, bytes) => {
    const slide = Buffer.alloc(bytes, 'slide')
    const print = `a slide of ${bytes} bytes`
    const first = await executed(slide, print)
    const second = await aRun(slide, print)

    const view = await start(second)

    expect(view).toMatchObject({ state: 'FINISHED', reusedFrom: first.slice('task-runs/'.length) })
    expect(view.milliseconds).toBeLessThan(1000)
    expect(view.history.map(({ state }) => state)).toEqual(['CREATED', 'PROVISIONED', 'FINISHED'])
    expect(await outputsOf(second)).toEqual(await outputsOf(first))

    slide[bytes - 1] = 0
    const changed = await aRun(slide, print)
    expect(await start(changed)).toMatchObject({ state: 'QUEUING', notReused: { reason: 'no-equal-run' } })
    await waitForState(changed, ['FINISHED'])
  })

  it('serves its outputs when the first run is deleted, and is the one that others reuse', async () => {
    const first = await executed(undefined, 'to be deleted')
    const outputs = await outputsOf(first)
    const second = await aRun(undefined, 'to be deleted')
    await start(second)

    await callOk('DELETE', first)

    expect(await outputsOf(second)).toEqual(outputs)
    for (const file of ['outputs.zip', 'ro-crate.zip', 'output/result', 'inputs.zip', 'logs']) {
      expect((await call('GET', `${second}/${file}`)).status).toBe(200)
    }
    expect(await start(await aRun(undefined, 'to be deleted'))).toMatchObject({ state: 'FINISHED' })
  })

  it('of a set takes the outputs of equal runs and runs the others', async () => {
    await executed(undefined, 'of a set')
    const body = {
      task: { namespace: NAMESPACE, version: '1.0.0' },
      rows: [{ print: 'of a set' }, { print: 'of no other' }],
      reuse: true,
    }
    const { id } = (await (await call('POST', 'run-sets', body)).json()) as { id: string }
    const read = async () =>
      (await (await callOk('GET', `run-sets/${id}`)).json()) as { counts: { finished: number } }

    await expect.poll(async () => (await read()).counts.finished, { timeout: 60_000 }).toBe(2)

    const { content } = (await (await callOk('GET', `run-sets/${id}/runs`)).json()) as { content: RunView[] }
    expect(content.map(({ reusedFrom }) => reusedFrom !== undefined)).toEqual([true, false])
  })
})

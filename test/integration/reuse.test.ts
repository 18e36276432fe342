import { beforeAll, describe, expect, it } from 'vitest'
import { aSlideTask } from '../fixtures/slide-task.ts'
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

beforeAll(async () => {
  const form = new FormData()
  form.append('task', new Blob([new Uint8Array(await aSlideTask(NAMESPACE))]), 'bundle.zip')
  await callOk('POST', 'tasks', form)
})

/** Creates a run with these inputs. The slide is sent through the edge, which uploads a large one. */
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
    ['through an upload of more than 128 MiB', 130 * MIB],
  ])('ends in less than a second without a container, with a slide that was sent %s', async (_, bytes) => {
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

  it('keeps its outputs when the first run is deleted, and can be reused itself', async () => {
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

  it('in a set takes the outputs of equal runs, and the other runs are executed', async () => {
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

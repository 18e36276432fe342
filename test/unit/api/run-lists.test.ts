import { describe, expect, it } from 'vitest'
import type { Run } from '../../../src/run/run.ts'
import type { Task } from '../../../src/task/task.ts'
import { aRun, aTask, TASK_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

const OTHER_TASK = '99999999-9999-4999-8999-999999999999'
const LIST = '/app-engine/v1/task-runs'

interface Page {
  readonly content: readonly { readonly id: string }[]
  readonly next?: string
}

async function anApi() {
  const engine = await anEngine()
  const app = createCheckedApp(engine)
  const get = async (query = ''): Promise<{ status: number; body: Page; text: string }> => {
    const answer = await app.request(LIST + query)
    const text = await answer.text()
    return { status: answer.status, body: JSON.parse(text), text }
  }
  const idsOf = async (query: string): Promise<readonly string[]> =>
    (await get(query)).body.content.map(({ id }) => id)
  async function install(task: Task): Promise<void> {
    const { namespace, version } = task
    await engine.tasks.reserveName({ namespace, version, uploadId: 'other', leaseSeconds: 60 })
    await engine.tasks.publish(task, 'other')
  }
  let day = 0
  async function createRun(changes: Partial<Run> = {}): Promise<Run> {
    day += 1
    const createdAt = new Date(Date.UTC(2026, 0, day)).toISOString()
    const run = aRun({ id: engine.identity.uuid(), createdAt, ...changes })
    await engine.runs.create(run)
    return run
  }
  return { ...engine, get, idsOf, install, createRun }
}

describe('the list of runs', () => {
  it('is empty while there is no run', async () => {
    const { get } = await anApi()

    expect((await get()).body).toEqual({ content: [] })
  })

  it('shows runs of all tasks with their task, newest first', async () => {
    const { get, createRun, install } = await anApi()
    await install(aTask({ id: OTHER_TASK, namespace: 'org.other', name: 'Other' }))
    const older = await createRun({
      state: 'FINISHED',
      entered: { FINISHED: { at: '2026-01-01T00:01:00.000Z' } },
    })
    const newer = await createRun({ taskId: OTHER_TASK })

    const { namespace, version, name } = aTask()
    expect((await get()).body).toEqual({
      content: [
        {
          id: newer.id,
          state: 'CREATED',
          task: { id: OTHER_TASK, namespace: 'org.other', version, name: 'Other' },
          createdAt: newer.createdAt,
          updatedAt: null,
        },
        {
          id: older.id,
          state: 'FINISHED',
          task: { id: TASK_ID, namespace, version, name },
          createdAt: older.createdAt,
          updatedAt: null,
          endedAt: '2026-01-01T00:01:00.000Z',
        },
      ],
    })
  })

  it('is read page by page until no run is left', async () => {
    const { get, createRun } = await anApi()
    const created = [await createRun(), await createRun(), await createRun()]

    const first = await get('?limit=2')
    const second = await get(`?limit=2&cursor=${first.body.next}`)

    expect([...first.body.content, ...second.body.content].map(({ id }) => id)).toEqual(
      created.toReversed().map(({ id }) => id),
    )
    expect(second.body).not.toHaveProperty('next')
  })

  it('has 50 runs a page by default', async () => {
    const { get, createRun } = await anApi()
    for (let count = 0; count < 51; count += 1) await createRun()

    expect((await get()).body.content).toHaveLength(50)
    expect((await get('?limit=200')).body.content).toHaveLength(51)
  })

  it.each([
    ['state=RUNNING', ['running']],
    ['state=running&state=FAILED', ['failed', 'running']],
    ['state=RUNNING,FAILED', ['failed', 'running']],
    ['state=', ['failed', 'running', 'created']],
    [`taskId=${TASK_ID}`, ['running', 'created']],
    [`taskId=${OTHER_TASK}&state=FAILED`, ['failed']],
    ['taskId=88888888-8888-4888-8888-888888888888', []],
    ['q=SEGMENT', ['failed']],
    ['q=org.other', ['failed']],
    ['q=com.example.addition:1.0', ['running', 'created']],
    ['q=aaaa', ['running']],
    ['q=nothing%20like%20this', []],
  ])('filters by ?%s', async (query, expected) => {
    const { createRun, install, idsOf } = await anApi()
    await install(aTask({ id: OTHER_TASK, namespace: 'org.other', name: 'Segmentation' }))
    const created = await createRun()
    const running = await createRun({ state: 'RUNNING', id: 'aaaa1111-1111-4111-8111-111111111111' })
    const failed = await createRun({ state: 'FAILED', taskId: OTHER_TASK })

    const ids = { created: created.id, running: running.id, failed: failed.id }
    expect(await idsOf(`?${query}`)).toEqual(expected.map((name) => ids[name as keyof typeof ids]))
  })

  it('finds a run by its complete id without reading the others', async () => {
    const { createRun, idsOf, runs } = await anApi()
    const run = await createRun()
    await createRun()
    runs.listPage = () => Promise.reject(new Error('the index was read'))

    expect(await idsOf(`?q=${run.id.toUpperCase()}`)).toEqual([run.id])
    expect(await idsOf(`?q=${run.id}&state=FAILED`)).toEqual([])
  })

  it('has the requested runs that exist', async () => {
    const { createRun, idsOf } = await anApi()
    const [first, , third] = [await createRun(), await createRun(), await createRun()]
    const missing = '77777777-7777-4777-8777-777777777777'

    expect(await idsOf(`?id=${first?.id},${missing}&id=${third?.id}`)).toEqual([third?.id, first?.id])
  })

  it('reads at most 2000 runs per call, and continues on the next page', async () => {
    const { createRun, get } = await anApi()
    const oldest = await createRun({ state: 'FAILED' })
    for (let count = 0; count < 2000; count += 1) await createRun()

    const first = await get('?state=FAILED')
    const second = await get(`?state=FAILED&cursor=${first.body.next}`)

    expect(first.body.content).toEqual([])
    expect(second.body.content.map(({ id }) => id)).toEqual([oldest.id])
  })

  it('omits the runs of a task that is being removed', async () => {
    const { createRun, idsOf, tasks, task } = await anApi()
    await createRun()
    await tasks.beginRemoval(task)

    expect(await idsOf('')).toEqual([])
  })

  it.each([
    ['limit=0', 'limit \\"0\\"'],
    ['limit=201', 'limit \\"201\\"'],
    ['limit=ten', 'limit \\"ten\\"'],
    ['state=LOST', 'state \\"LOST\\"'],
    ['taskId=x', 'taskId \\"x\\"'],
    ['id=x', 'id \\"x\\"'],
    ['cursor=bm90aGluZw', 'cursor \\"bm90aGluZw\\"'],
    [`q=${'a'.repeat(201)}`, 'q \\"aaa'],
    [`id=${Array(201).fill(TASK_ID).join()}`, 'id \\"201 ids\\"'],
  ])('refuses ?%s and names the value', async (query, words) => {
    const { get } = await anApi()

    const { status, text } = await get(`?${query}`)

    expect(status).toBe(400)
    expect(text).toContain(words)
  })
})

describe('live updates', () => {
  it('are not served by the API itself, whose error names the call to poll', async () => {
    const answer = await createCheckedApp(await anEngine()).request('/app-engine/v1/events')

    expect(answer.status).toBe(501)
    expect(await answer.json()).toMatchObject({
      errorCode: 'APPE-events-not-served',
      message: expect.stringContaining('poll GET task-runs'),
    })
  })
})

describe('the description of a run', () => {
  it('shows its history, times, timings, and the requested resources', async () => {
    const engine = await anEngine({ run: { id: TASK_ID, state: 'PROVISIONED' } })
    const step = async (seconds: number, change: () => Promise<unknown>): Promise<void> => {
      engine.identity.advance(seconds)
      await change()
    }
    const job = { attempt: 1, jobName: 'run-1' }
    await step(1, () => engine.runs.transition(TASK_ID, { to: 'QUEUING' }))
    await step(1, () => engine.runs.transition(TASK_ID, { to: 'QUEUED', set: { job } }))
    await step(10, () => engine.runs.transition(TASK_ID, { to: 'RUNNING', set: { job } }))
    await step(3, () => engine.runs.recordStage(TASK_ID, 'stageIn', 2.5))
    await step(64, () => engine.runs.recordStage(TASK_ID, 'stageOut', 4))
    await step(2, () => engine.runs.transition(TASK_ID, { to: 'FINISHED', attempt: 1 }))

    const answer = await createCheckedApp(engine).request(`${LIST}/${TASK_ID}`)

    const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString()
    expect(await answer.json()).toMatchObject({
      createdAt: at(0),
      startedAt: at(12),
      endedAt: at(81),
      history: [
        { state: 'CREATED', at: at(0) },
        { state: 'QUEUING', at: at(1) },
        { state: 'QUEUED', at: at(2), attempt: 1 },
        { state: 'RUNNING', at: at(12), attempt: 1 },
        { state: 'FINISHED', at: at(81), attempt: 1 },
      ],
      resources: { cpus: 1, memoryMiB: 4096, gpus: 0, internet: false },
      timings: {
        queueSeconds: 10,
        stageInSeconds: 2.5,
        taskSeconds: 60,
        stageOutSeconds: 4,
        collectSeconds: 2,
      },
    })
  })
})

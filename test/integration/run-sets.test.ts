import { setTimeout as pause } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import type { JsonValue } from '../../src/contract/json.ts'
import { call, callOk, installTask } from './engine-client.ts'

interface SetView {
  readonly id: string
  readonly state: string
  readonly round: number
  readonly rows: number
  readonly counts: Readonly<Record<'waiting' | 'active' | 'finished' | 'failed' | 'skipped', number>>
  readonly failures?: readonly { readonly kind: string; readonly message: string; readonly count: number }[]
  readonly problems?: {
    readonly count: number
    readonly content: readonly { readonly row: number; column: string }[]
  }
  readonly cost: { readonly usd: number }
}

const PROBE = { namespace: 'org.example.probe-task', version: '1.0.0' }
const EXAMPLE = { namespace: 'org.example.add-and-echo', version: '1.0.0' }

beforeAll(async () => {
  await installTask('examples/add-and-echo/add-and-echo.zip', EXAMPLE.namespace)
  await installTask('test/fixtures/probe-task/probe-task.zip', PROBE.namespace)
})

async function create(body: JsonValue): Promise<SetView> {
  const answer = await call('POST', 'run-sets', body)
  expect(answer.status).toBe(201)
  return (await answer.json()) as SetView
}

async function read({ id }: Pick<SetView, 'id'>): Promise<SetView> {
  return (await (await callOk('GET', `run-sets/${id}`)).json()) as SetView
}

async function waitFor(set: SetView, isReached: (view: SetView) => boolean): Promise<SetView> {
  for (;;) {
    const view = await read(set)
    if (isReached(view)) return view
    if (view.state === 'FAILED') throw new Error(JSON.stringify(view))
    await pause(100)
  }
}

const isState =
  (...states: string[]) =>
  (view: SetView): boolean =>
    states.includes(view.state)
const textOf = async (path: string): Promise<string> => (await callOk('GET', path)).text()

describe('a run set on the local stack', () => {
  it('runs a task on each row of a table, and groups failed runs by reason', async () => {
    const rows = Array.from({ length: 30 }, (_, row) => {
      if (row % 10 === 3) return { exit_code: 3 }
      if (row % 10 === 6) return { skip_output: true }
      return row % 10 === 9 ? { exit_code: 4 } : {}
    })

    const set = await create({ task: PROBE, shared: { print: 'of the set' }, rows, maxConcurrency: 8 })
    const { counts, failures, state } = await waitFor(set, isState('FINISHED'))

    expect(state).toBe('FINISHED')
    expect(counts).toEqual({ waiting: 0, active: 0, finished: 21, failed: 9, skipped: 0 })
    expect(failures?.map(({ kind, count }) => `${kind} ${count}`).sort()).toEqual([
      'output-missing 3',
      'task-failed 3',
      'task-failed 3',
    ])

    const page = JSON.parse(await textOf(`run-sets/${set.id}/runs?limit=4`))
    expect(page.content.map(({ row, state }: { row: number; state: string }) => `${row} ${state}`)).toEqual([
      '1 FINISHED',
      '2 FINISHED',
      '3 FINISHED',
      '4 FAILED',
    ])
    const log = await textOf(`task-runs/${page.content[0].runId}/logs`)
    expect(log).toContain('of the set')

    await callOk('POST', `run-sets/${set.id}/retry`)
    const retried = await waitFor(set, (view) => view.round === 2 && view.state === 'FINISHED')
    expect(retried.counts).toEqual({ waiting: 0, active: 0, finished: 21, failed: 9, skipped: 0 })
  })

  it('accepts an uploaded CSV, and returns the outputs as one table and one archive', async () => {
    const csv = 'a,b,text\n1,2,"one, two"\n3,4,three\n'
    const { id, parts } = await upload(csv)
    expect(parts).toBe(1)

    const set = await create({ task: EXAMPLE, rows: { uploadId: id } })
    await waitFor(set, isState('FINISHED'))

    const [header, ...lines] = (await textOf(`run-sets/${set.id}/outputs.csv`)).trimEnd().split('\r\n')
    expect(header).toBe('row,run,state,error,usd,input.a,input.b,input.text,output.sum,output.echo')
    expect(
      lines.map((line) => line.replace(/,[0-9a-f-]{36},/u, ',<id>,').replace(/,,[\d.e-]*,/u, ',,<usd>,')),
    ).toEqual([
      '1,<id>,FINISHED,,<usd>,1,2,"one, two",3,"one, two"',
      '2,<id>,FINISHED,,<usd>,3,4,three,7,three',
    ])
    const zip = Buffer.from(await (await callOk('GET', `run-sets/${set.id}/outputs.zip`)).arrayBuffer())
    expect(zip.includes('2/sum')).toBe(true)
  })

  it('starts no run if a row is invalid, and reports row and column of each problem', async () => {
    const set = await create({
      task: EXAMPLE,
      shared: { b: 1, text: 'x' },
      rows: [{ a: 1 }, { a: 'one' }, { c: 1 }],
    })
    const view = await (async () => {
      for (;;) {
        const found = await read(set)
        if (found.state !== 'VALIDATING') return found
        await pause(100)
      }
    })()

    expect(view.state).toBe('FAILED')
    expect(view.counts).toEqual({ waiting: 0, active: 0, finished: 0, failed: 0, skipped: 3 })
    expect(view.problems?.content).toMatchObject([
      { row: 3, column: 'c' },
      { row: 2, column: 'a' },
      { row: 3, column: 'a' },
    ])
    expect(JSON.parse(await textOf(`run-sets/${set.id}/runs`)).content).toEqual([])
  })

  it('starts no more runs after it was cancelled, and starts the remaining ones when it is retried', async () => {
    const rows = Array.from({ length: 12 }, () => ({ sleep_seconds: 1 }))
    const set = await create({ task: PROBE, rows, maxConcurrency: 2 })
    let mostActive = 0
    const watch = async (isReached: (view: SetView) => boolean): Promise<SetView> =>
      waitFor(set, (view) => {
        mostActive = Math.max(mostActive, view.counts.active)
        return isReached(view)
      })
    await watch(({ counts }) => counts.finished >= 2)

    await callOk('POST', `run-sets/${set.id}/cancel`)
    const cancelled = await watch(({ counts }) => counts.waiting + counts.active === 0)
    expect(cancelled.state).toBe('CANCELLED')
    expect(cancelled.counts.failed).toBeGreaterThan(6)

    await expect
      .poll(async () => (await call('POST', `run-sets/${set.id}/retry`)).status, {
        timeout: 20_000,
        interval: 500,
      })
      .toBe(200)
    const retried = await watch((view) => view.round === 2 && view.state === 'FINISHED')
    // Runs that wait for a machine are active too, so this is not the limit of the Batch server.
    expect(mostActive).toBe(2)
    expect(retried.counts).toEqual({ waiting: 0, active: 0, finished: 12, failed: 0, skipped: 0 })

    await callOk('DELETE', `run-sets/${set.id}`)
    expect((await call('GET', `run-sets/${set.id}`)).status).toBe(404)
    const runs = () => textOf('tasks/org.example.probe-task/1.0.0/runs')
    await expect
      .poll(async () => (await runs()).includes(set.id.slice(0, 30)), { timeout: 60_000 })
      .toBe(false)
  })
})

/** Uploads a file with rows. @returns the upload's id */
async function upload(content: string): Promise<{ readonly id: string; readonly parts: number }> {
  const created = await callOk('POST', 'uploads', { purpose: 'input', sizeBytes: Buffer.byteLength(content) })
  const { id } = (await created.json()) as { readonly id: string }
  const signed = await callOk('POST', `uploads/${id}/part-urls`, { first: 1, last: 1 })
  const { parts } = (await signed.json()) as { readonly parts: readonly { readonly url: string }[] }
  for (const { url } of parts) await fetch(url, { method: 'PUT', body: content })
  await callOk('POST', `uploads/${id}/complete`)
  return { id, parts: parts.length }
}

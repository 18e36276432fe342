import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { setRunId } from '../../../src/contract/set-run-id.ts'
import { workOnRunSet } from '../../../src/run-set/work-on-run-set.ts'
import { aRun } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

const ROWS = [1, 2, 3].map((a) => ({ a, b: 1 }))
const PREFIX = '/app-engine/v1/'

interface Answer {
  readonly status: number
  readonly body: {
    readonly content?: readonly { readonly runId?: string; readonly row?: number }[]
    readonly next?: string
    readonly errorCode?: string
    readonly message?: string
  }
}

describe('a listing with pages', () => {
  let engine: Awaited<ReturnType<typeof anEngine>>
  let sets: readonly string[]
  beforeEach(async () => {
    engine = await anEngine()
    // Ids of sets keep no counter of a fixed identity.
    engine.identity.uuid = randomUUID
    for (const _ of ROWS) await engine.runs.create(aRun({ id: engine.identity.uuid() }))
    sets = [await aSet(), await aSet()]
  })

  async function call(path: string, init?: RequestInit): Promise<Answer> {
    const response = await createCheckedApp(engine).request(PREFIX + path, init)
    return { status: response.status, body: (await response.json()) as Answer['body'] }
  }

  async function aSet(): Promise<string> {
    const body = JSON.stringify({ taskId: engine.task.id, rows: ROWS })
    const created = await call('run-sets', { method: 'POST', body })
    const { id } = created.body as { id: string }
    for (let work = { isDone: false, runs: [] as readonly string[] }; work.runs.length === 0; )
      work = await workOnRunSet(engine, { setId: id, timeLeftMs: () => 900_000 })
    return id
  }

  const listings = () => ['task-runs', 'run-sets', `run-sets/${sets[0]}/runs`, `run-sets/${sets[1]}/runs`]

  it('continues with its own cursor, and refuses those of every other listing by name', async () => {
    const cursors = new Map<string, string>()
    for (const path of listings()) cursors.set(path, (await call(`${path}?limit=1`)).body.next ?? 'none')

    for (const path of listings()) {
      for (const [of, cursor] of cursors) {
        const { status, body } = await call(`${path}?limit=1&cursor=${cursor}`)
        if (of === path) expect([status, body.content?.length], path).toEqual([200, 1])
        else {
          expect([status, body.errorCode], `${of} in ${path}`).toEqual([400, 'APPE-query-invalid'])
          expect(body.message).toContain(
            `it is of the list "${of}"; expected the \`next\` of a page of "${path}"`,
          )
        }
      }
    }
  })

  it.each([
    ['no text of a cursor', '%00'],
    ['a position without a listing', Buffer.from('1').toString('base64url')],
    ['a listing without a position', Buffer.from('run-sets?').toString('base64url')],
    ['a position of another form', Buffer.from('run-sets?2').toString('base64url')],
  ])('refuses as cursor %s', async (_, cursor) => {
    const { status, body } = await call(`run-sets?cursor=${cursor}`)

    expect([status, body.errorCode]).toEqual([400, 'APPE-query-invalid'])
    expect(body.message).toContain('expected the `next` of a page, or none for the first page')
  })

  it.each([
    ['state=FAILED', [2]],
    ['state=failed', [2]],
    ['state=failed,provisioned', [1, 2, 3]],
    ['state=RUNNING&state=failed', [2]],
    ['state=', [1, 2, 3]],
    ['state=RUNNING', []],
  ])('of the runs of a set obeys ?%s', async (query, rows) => {
    const setId = sets[0] ?? ''
    const failure = { kind: 'cancelled', message: 'x' } as const
    await engine.runs.transition(setRunId({ setId, row: 1, round: 1 }), { to: 'FAILED', set: { failure } })

    const { body } = await call(`run-sets/${setId}/runs?${query}`)

    expect(body.content?.map(({ row }) => row)).toEqual(rows)
  })

  it('of the runs of a set refuses an unknown state, and names the known ones', async () => {
    const { status, body } = await call(`run-sets/${sets[0]}/runs?state=failed&state=lost`)

    expect([status, body.message]).toEqual([
      400,
      expect.stringMatching(/state "lost": expected one of .*RUNNING.*FAILED/u),
    ])
  })

  it.each([
    ['run-sets?limit=1&limit=2', 'limit "1,2": it is repeated; expected one value'],
    ['run-sets?limit=1&limit=1', 'limit "1,1"'],
    ['run-sets?limit=none', 'limit "none": expected an integer from 1 to 200'],
    ['run-sets?limit=1.5', 'limit "1.5"'],
    ['run-sets?cursor=a&cursor=b', 'cursor "a,b"'],
    ['task-runs?limit=1&limit=2', 'limit "1,2"'],
    ['task-runs?q=a&q=b', 'q "a,b"'],
    ['task-runs?taskId=a&taskId=b', 'taskId "a,b"'],
    ['webhooks?runId=nothing', 'runId "nothing": expected the id of a run, a UUID in lower case'],
    ['webhooks?runSetId=nothing', 'runSetId "nothing": expected the id of a run set'],
    ['placement?cpus=1&memoryMiB=1&cpus=2', 'cpus "1,2"'],
  ])('refuses GET %s', async (path, words) => {
    const { status, body } = await call(path)

    expect([status, body.errorCode]).toEqual([400, 'APPE-query-invalid'])
    expect(body.message).toContain(words)
  })
})

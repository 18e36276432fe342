import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import type { EngineEvent } from '../../src/events/event.ts'
import { aSlideTask } from '../fixtures/slide-task.ts'
import { call, callOk, installTask, startRun, waitForState } from './engine-client.ts'
import { createEventQueue, type EventQueue } from './event-queue.ts'

const EXAMPLE = { namespace: 'org.example.add-and-echo', version: '1.0.0' }
const schema = JSON.parse(readFileSync('docs/events.schema.json', 'utf8'))
const isValid = new Ajv({ allErrors: true }).compile(schema)

let task: string
let queue: EventQueue

beforeAll(async () => {
  queue = await createEventQueue(inject('emulatorUrl'), inject('eventBusName'))
  task = await installTask('examples/add-and-echo/add-and-echo.zip', EXAMPLE.namespace)
})

const isAbout =
  (id: string, type?: EngineEvent['type']) =>
  (event: EngineEvent): boolean =>
    event.data.id === id && (type === undefined || event.type === type)

/** Waits for the last event of a run, set or import. @returns all of its events */
async function eventsOf(id: string, last: EngineEvent['type']): Promise<readonly EngineEvent[]> {
  const delivered = await queue.until(isAbout(id, last))
  const own = delivered.filter(({ detail }) => isAbout(id)(detail))
  for (const { source, 'detail-type': type, detail } of own) {
    expect(isValid(detail), JSON.stringify(isValid.errors)).toBe(true)
    expect([source, type]).toEqual(['app-engine.app-engine', detail.type])
  }
  return own.map(({ detail }) => detail)
}

const typesOf = (events: readonly EngineEvent[]): string[] => events.map(({ type }) => type)

describe('events of the local stack', () => {
  it('report every state of a run, with the previous state', async () => {
    const run = await startRun(task, { a: 2, b: 3, text: 'x' })
    await waitForState(run, 'final')
    const { id, history } = (await (await callOk('GET', run)).json()) as {
      readonly id: string
      readonly history: readonly { readonly state: string; readonly at: string }[]
    }

    const events = await eventsOf(id, 'run.finished')

    expect(typesOf(events)).toEqual(history.map(({ state }) => `run.${state.toLowerCase()}`))
    expect(events.map(({ timestamp }) => timestamp)).toEqual(history.map(({ at }) => at))
    expect(events.map(({ data }) => data.previousState)).toEqual([
      null,
      ...history.slice(0, -1).map(({ state }) => state),
    ])
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length)
  })

  it('report the cancellation of a run, and its deletion', async () => {
    const { id } = (await (await callOk('POST', `${task}/runs`)).json()) as { readonly id: string }
    await callOk('POST', `task-runs/${id}/state-actions`, { desired: 'CANCELLED' })
    await callOk('DELETE', `task-runs/${id}`)

    const events = await eventsOf(id, 'run.deleted')

    expect(typesOf(events)).toEqual(['run.created', 'run.failed', 'run.deleted'])
    expect(events[1]?.data).toMatchObject({ state: 'FAILED', error: { kind: 'cancelled' } })
    expect(JSON.stringify(events)).not.toContain('secret')
  })

  it('report the states of a run set, and the rows of its runs', async () => {
    const answer = await call('POST', 'run-sets', {
      task: EXAMPLE,
      shared: { b: 1, text: 'x' },
      rows: [{ a: 1 }, { a: 2 }],
    })
    const { id } = (await answer.json()) as { readonly id: string }

    const events = await eventsOf(id, 'run-set.finished')
    const rows = (await queue.until(isAbout(id, 'run-set.finished'))).flatMap(({ detail }) =>
      'set' in detail.data && detail.data.set?.id === id && detail.type === 'run.finished'
        ? [detail.data.set.row]
        : [],
    )

    expect(typesOf(events)).toEqual(['run-set.validating', 'run-set.running', 'run-set.finished'])
    expect(rows.sort()).toEqual([1, 2])
  })

  it('report every state of an import, with its task', async () => {
    const form = new FormData()
    form.append('task', new Blob([new Uint8Array(await aSlideTask('org.example.imported'))]), 'bundle.zip')
    await callOk('POST', 'tasks', form)
    const isReady = ({ type, data }: EngineEvent): boolean =>
      type === 'import.ready' && 'task' in data && data.task?.namespace === 'org.example.imported'

    const ready = (await queue.until(isReady)).find(({ detail }) => isReady(detail))?.detail
    const events = await eventsOf(String(ready?.data.id), 'import.ready')

    expect(typesOf(events)).toEqual(['import.created', 'import.validating', 'import.pushing', 'import.ready'])
    expect(events.map(({ data }) => data.previousState)).toEqual([null, 'CREATED', 'VALIDATING', 'PUSHING'])
  })

  it('report a failed import, with the reason', async () => {
    const form = new FormData()
    form.append('task', new Blob(['not a zip']), 'bundle.zip')
    expect((await call('POST', 'tasks', form)).status).toBe(400)

    const delivered = await queue.until(({ type }) => type === 'import.failed')
    const failed = delivered.find(({ detail }) => detail.type === 'import.failed')?.detail
    const events = await eventsOf(String(failed?.data.id), 'import.failed')

    expect(typesOf(events)[0]).toBe('import.created')
    expect(failed?.data).toMatchObject({ error: { errorCode: expect.stringMatching(/^APPE-/u) } })
  })
})

import { beforeAll, describe, expect, inject, it } from 'vitest'
import { call, callOk, installTask, outputsOf, startRun, waitForState } from './engine-client.ts'

const NAMESPACE = 'org.example.add-and-echo'
let example: string

beforeAll(async () => {
  example = await installTask('examples/add-and-echo/add-and-echo.zip', NAMESPACE)
})

const idOf = (run: string): string => run.slice('task-runs/'.length)

interface Page {
  readonly content: readonly { readonly id: string; readonly state: string; readonly createdAt: string }[]
  readonly next?: string
}

const listOf = async (query: string): Promise<Page> =>
  (await (await callOk('GET', `task-runs?${query}`)).json()) as Page

/** Follows a log as a client does, until it is complete. @returns the log */
async function followLog(run: string): Promise<string> {
  let text = ''
  for (let after: string | null = '0'; ; ) {
    const answer: Response = await callOk('GET', `${run}/logs?after=${after}`)
    text += await answer.text()
    if (answer.headers.get('x-log-complete') === 'true') return text
    after = answer.headers.get('x-log-next')
  }
}

describe('the list of runs on the local stack', () => {
  it('contains every run once, newest first, page by page', async () => {
    for (let count = 0; count < 7; count += 1) await callOk('POST', `${example}/runs`)

    const seen: Page['content'][number][] = []
    let query = 'limit=3'
    for (;;) {
      const { content, next } = await listOf(query)
      seen.push(...content)
      if (next === undefined) break
      query = `limit=3&cursor=${next}`
    }

    const ids = seen.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const times = seen.map(({ createdAt }) => createdAt)
    expect(times).toEqual(times.toSorted().toReversed())
    expect(ids.length).toBeGreaterThanOrEqual(7)
  })

  it('can be filtered by state, task, text and id', async () => {
    const run = await startRun(example, { a: 1, b: 2, text: 'listed' })
    await waitForState(run, ['FINISHED'])
    const { task } = (await (await callOk('GET', run)).json()) as { readonly task: { readonly id: string } }

    for (const query of [
      'state=FINISHED',
      `taskId=${task.id}`,
      `q=${NAMESPACE}`,
      `q=${idOf(run)}`,
      `id=${idOf(run)}`,
    ]) {
      const { content } = await listOf(query)
      expect(
        content.map(({ id }) => id),
        query,
      ).toContain(idOf(run))
    }
    expect((await listOf('state=FINISHED')).content.every(({ state }) => state === 'FINISHED')).toBe(true)
  })
})

describe('a run on the local stack', () => {
  it('streams its states and its log by the live updates of the edge', async () => {
    const { id } = (await (await callOk('POST', `${example}/runs`)).json()) as { readonly id: string }
    const url = new URL(`events?run=${id}&after=0`, inject('baseUrl'))
    const stop = new AbortController()
    const stream = await fetch(url, { signal: stop.signal })
    for (const [name, value] of Object.entries({ a: 1, b: 2, text: 'streamed' })) {
      await callOk('PUT', `task-runs/${id}/input-provisions/${name}`, { parameterName: name, value })
    }
    await callOk('POST', `task-runs/${id}/state-actions`, { desired: 'RUNNING' })

    let text = ''
    for await (const piece of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += piece
      if (text.includes('"isComplete":true') && text.includes('"FINISHED"')) break
    }
    stop.abort()

    expect(stream.headers.get('content-type')).toBe('text/event-stream')
    expect(text).toContain('1 + 2 = 3')
  })

  it('has a history, timings, and a log that can be read in parts', async () => {
    const run = await startRun(example, { a: 20, b: 22, text: 'followed' })

    const log = await followLog(run)

    const view = (await (await callOk('GET', run)).json()) as {
      readonly history: readonly { readonly state: string; readonly at: string }[]
      readonly timings: Readonly<Record<string, number>>
    }
    expect(log).toBe(await (await callOk('GET', `${run}/logs`)).text())
    expect(view.history.map(({ state }) => state)).toEqual(
      expect.arrayContaining(['CREATED', 'PROVISIONED', 'QUEUING', 'FINISHED']),
    )
    const times = view.history.map(({ at }) => at)
    expect(times).toEqual(times.toSorted())
    expect(Object.keys(view.timings)).toEqual(
      expect.arrayContaining(['stageInSeconds', 'taskSeconds', 'stageOutSeconds']),
    )
  })

  it('can be rerun with the same inputs, and the copy does not depend on it', async () => {
    // Too long for the table, so it is an object that is copied.
    const text = 'ü'.repeat(16 * 1024)
    const first = await startRun(example, { a: 4, b: 5, text })
    await waitForState(first, ['FINISHED'])

    const answer = await call('POST', `${first}/rerun`)
    const { id, state } = (await answer.json()) as { readonly id: string; readonly state: string }
    await callOk('DELETE', first)
    await callOk('POST', `task-runs/${id}/state-actions`, { desired: 'RUNNING' })
    await waitForState(`task-runs/${id}`, ['FINISHED'])

    expect([answer.status, state]).toEqual([201, 'PROVISIONED'])
    expect(await outputsOf(`task-runs/${id}`)).toEqual({ sum: 9, echo: text })
  })
})

describe('the placement of a task on the local stack', () => {
  it('names the queue of its runs', async () => {
    const placement = await (await callOk('GET', `${example}/placement`)).json()

    expect(placement).toMatchObject({ placeable: true, queue: 'fargate', imageSizeBytes: expect.any(Number) })
  })
})

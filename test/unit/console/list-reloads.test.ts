import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RunFilter, RunRow } from '../../../console/src/api/types.ts'
import { ListReloads } from '../../../console/src/pages/runs/list-reloads.ts'

const rowOf = (id: string, state: RunRow['state'] = 'RUNNING'): RunRow => ({
  id,
  state,
  task: { id: 'task', namespace: 'org.example', version: '1.0.0', name: 'Task' },
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: null,
})

/** A list whose loads end by hand. */
function aList(filter: RunFilter = {}) {
  const reloads = new ListReloads(filter)
  const loads: PromiseWithResolvers<void>[] = []
  const load = (): void => {
    const loading = Promise.withResolvers<void>()
    loads.push(loading)
    reloads.observe(loading.promise).catch(() => {})
  }
  return { reloads, loads, stop: reloads.connect(load) }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('the list of runs in the console', () => {
  it('is loaded once for the 200 rows that arrive together', async () => {
    const { reloads, loads } = aList()

    for (let number = 0; number < 200; number += 1) reloads.onOther(rowOf(String(number)))
    await vi.advanceTimersByTimeAsync(10_000)

    expect(loads).toHaveLength(1)
  })

  it('is loaded again only after the last load has ended', async () => {
    const { reloads, loads } = aList()
    reloads.onOther(rowOf('a'))
    await vi.advanceTimersByTimeAsync(0)

    reloads.onOther(rowOf('b'))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(loads).toHaveLength(1)
    loads[0]?.resolve()
    await vi.advanceTimersByTimeAsync(0)

    expect(loads).toHaveLength(2)
  })

  it('is loaded at most once in two seconds', async () => {
    const { reloads, loads } = aList()
    for (let step = 0; step < 99; step += 1) {
      reloads.onOther(rowOf(String(step)))
      await vi.advanceTimersByTimeAsync(100)
      for (const loading of loads) loading.resolve()
    }

    expect(loads).toHaveLength(5)
  })

  it('is loaded once for each run, if it is filtered by a text', async () => {
    const { reloads, loads } = aList({ q: 'lung' })
    for (const id of ['a', 'b', 'a', 'a', 'b']) {
      reloads.onOther(rowOf(id))
      await vi.advanceTimersByTimeAsync(2000)
      loads.at(-1)?.resolve()
      await vi.advanceTimersByTimeAsync(2000)
    }

    expect(loads).toHaveLength(2)
  })

  it('is loaded again for the same run after a failed load', async () => {
    const { reloads, loads } = aList({ q: 'lung' })
    reloads.onOther(rowOf('a'))
    await vi.advanceTimersByTimeAsync(0)
    loads[0]?.reject(new Error('no connection'))
    await vi.advanceTimersByTimeAsync(2000)

    reloads.onOther(rowOf('a'))
    await vi.advanceTimersByTimeAsync(0)

    expect(loads).toHaveLength(2)
  })

  it('is not loaded for runs in other states, until they enter the state', async () => {
    const { reloads, loads } = aList({ q: 'lung', state: 'FINISHED,FAILED' })
    reloads.onOther(rowOf('a'))
    await vi.advanceTimersByTimeAsync(0)
    expect(loads).toHaveLength(0)

    reloads.onOther(rowOf('a', 'FINISHED'))
    await vi.advanceTimersByTimeAsync(0)

    expect(loads).toHaveLength(1)
  })

  it('is not loaded after its page is closed', async () => {
    const { reloads, loads, stop } = aList()
    reloads.onOther(rowOf('a'))
    stop()
    await vi.advanceTimersByTimeAsync(10_000)

    expect(loads).toHaveLength(0)
  })
})

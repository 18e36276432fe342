import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { callOk, waitForState } from '../integration/engine-client.ts'
import { pageOfEachTest, setHidden } from './browser.ts'
import { createRun, createSet, installEveryType, installShell, runWith, waitForSet } from './tasks.ts'

const watched = pageOfEachTest()
let shell: string

beforeAll(async () => {
  shell = await installShell()
})

/** Prints a line each 200 ms until it is cancelled. */
const COUNT = 'i=0; while [ ! -e /outputs/go ]; do i=$((i + 1)); echo "line $i"; sleep 0.2; done'

const cancel = (id: string): Promise<Response> =>
  callOk('POST', `task-runs/${id}/state-actions`, { desired: 'CANCELLED' })

/** Numbers of the lines that {@link COUNT} has printed, as the service or the page shows them. */
const numbersIn = (log: string): number[] => [...log.matchAll(/^line (\d+)$/gmu)].map(([, n]) => Number(n))
const printedBy = async (id: string): Promise<number> =>
  numbersIn(await (await callOk('GET', `task-runs/${id}/logs`)).text()).at(-1) ?? 0
const shownOn = async (page: Page): Promise<number[]> =>
  numbersIn((await page.getByLabel('Log of the task').textContent()) ?? '')

describe('the live updates of a run', () => {
  it('end with the run, so that seven tabs with runs can be open', async () => {
    const { page, console } = watched()
    const id = await runWith(await installEveryType(), { nuclei: 2 })
    // Browsers open six connections to a host by HTTP/1.1.
    const tabs = await Promise.all(Array.from({ length: 7 }, () => page.context().newPage()))

    for (const tab of tabs) {
      await tab.goto(`${console}#/runs/${id}`)
      await tab.getByLabel('Log of the task').getByText('found 2 nuclei').waitFor({ timeout: 60_000 })
    }
  })

  it('end when the log is complete, and begin again with another run', async () => {
    const { page, go, streams } = watched()
    const id = await runWith(shell, { text: 'echo done' })
    const active = await runWith(shell, { text: COUNT }, { isLeft: true })

    await go(`runs/${id}`)
    await page.getByLabel('Log of the task').getByText('done').waitFor()
    await expect.poll(() => streams.size).toBe(0)
    await go(`runs/${active}`)

    await page.getByLabel('Log of the task').getByText('line 1').first().waitFor({ timeout: 60_000 })
    expect(streams.size).toBe(1)
    await cancel(active)
  })

  it('pause while the tab is hidden, and then continue the log with the next line', async () => {
    const { page, go, streams } = watched()
    const id = await runWith(shell, { text: COUNT }, { isLeft: true })
    await go(`runs/${id}`)
    await expect.poll(() => shownOn(page), { timeout: 60_000 }).not.toEqual([])

    await setHidden(page, true)
    await expect.poll(() => streams.size).toBe(0)
    const before = await shownOn(page)
    await expect.poll(() => printedBy(id)).toBeGreaterThan(before.length + 5)
    expect(await shownOn(page)).toEqual(before)
    await setHidden(page, false)

    await expect.poll(async () => (await shownOn(page)).length).toBeGreaterThan(before.length + 5)
    expect(streams.size).toBe(1)
    const after = await shownOn(page)
    expect(after).toEqual(after.map((_, at) => at + 1))
    await cancel(id)
  })

  it('show changes that happened while the tab was hidden', async () => {
    const { page, go } = watched()
    const id = await runWith(shell, { text: COUNT }, { isLeft: true })
    await go(`runs/${id}`)
    await page.locator('h1').getByText('running').waitFor({ timeout: 60_000 })

    await setHidden(page, true)
    await cancel(id)
    await waitForState(`task-runs/${id}`, 'final')
    expect(await page.locator('h1').textContent()).toContain('running')
    await setHidden(page, false)

    await page.locator('h1').getByText('failed').waitFor()
    await page.getByLabel('Log of the task').getByText('run failed (cancelled)').waitFor()
  })

  it('include the cost of a cancelled run, which is known after its end, and end then', async () => {
    const { page, go, streams } = watched()
    const id = await runWith(shell, { text: COUNT }, { isLeft: true })
    await go(`runs/${id}`)
    await page.locator('h1').getByText('running').waitFor({ timeout: 60_000 })

    await cancel(id)

    const machine = page.getByRole('region', { name: 'Machine and cost' })
    await machine.getByText(/^about \D*0\.\d+/u).waitFor({ timeout: 60_000 })
    await expect.poll(() => streams.size).toBe(0)
  })
})

describe('the live updates of lists', () => {
  const rowOf = (page: Page, id: string) =>
    page.getByRole('row').filter({ has: page.getByRole('link', { name: id.slice(0, 8) }) })

  it('pause while the list of runs is hidden, and then show new runs and no deleted ones', async () => {
    const { page, go, streams } = watched()
    const deleted = await createRun(shell, {})
    await go('runs')
    await rowOf(page, deleted).waitFor()

    await setHidden(page, true)
    await expect.poll(() => streams.size).toBe(0)
    const created = await createRun(shell, {})
    await callOk('DELETE', `task-runs/${deleted}`)
    expect(await rowOf(page, deleted).count()).toBe(1)
    await setHidden(page, false)

    await rowOf(page, created).waitFor()
    await expect.poll(() => rowOf(page, deleted).count()).toBe(0)
    expect(streams.size).toBe(1)
  })

  it.each([
    ['the list of sets', () => 'sets'],
    ['a set', (id: string) => `sets/${id}`],
  ])('pause while the page of %s is hidden, and show the current state afterwards', async (_, place) => {
    const { page, go, requests } = watched()
    await page.clock.install()
    const set = await createSet(shell, [{ text: COUNT, whole: 1 }])
    await waitForSet(set, 'RUNNING')
    await go(place(set))
    const state = page.locator('main .state').first()
    await expect.poll(() => state.textContent()).toBe('running')
    const polls = (): number => requests.filter((address) => address.includes('/v1/run-sets')).length
    const first = polls()
    await expect.poll(polls).toBeGreaterThan(first)

    await setHidden(page, true)
    const before = polls()
    await callOk('POST', `run-sets/${set}/cancel`)
    await waitForSet(set, 'CANCELLED')
    await page.clock.runFor(60_000)
    expect(polls()).toBe(before)
    await setHidden(page, false)

    await expect.poll(() => state.textContent()).toBe('cancelled')
  })
})

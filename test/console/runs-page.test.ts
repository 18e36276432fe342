import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatDuration, formatMoney, secondsBetween } from '../../console/src/ui/format.ts'
import { callOk, waitForState } from '../integration/engine-client.ts'
import { launchBrowser, openPage } from './browser.ts'
import { createRun, installEveryType, installShell, runWith } from './tasks.ts'

let browser: Browser
let shell: string
let finished: string
let failed: string

beforeAll(async () => {
  browser = await launchBrowser()
  shell = await installShell('org.example.listed')
  const other = await installEveryType()
  finished = await runWith(shell, { text: 'sleep 1' })
  failed = await runWith(shell, { text: 'echo "no model"; exit 3' })
  await createRun(shell, {})
  await runWith(other, {})
})
afterAll(() => browser.close())

/** Texts of the cells of a column, from the first row to the last. */
const column = (page: Page, at: number): Promise<string[]> =>
  page.locator(`tbody tr td:nth-child(${at})`).allTextContents()
const [STATE, RUN, TASK] = [2, 3, 4]

const rowOf = (page: Page, id: string) =>
  page.getByRole('row').filter({ has: page.getByRole('link', { name: id.slice(0, 8) }) })

interface RunView {
  readonly startedAt: string
  readonly endedAt: string
  readonly cost: { readonly usd: number }
}

describe('the list of runs', () => {
  it('shows the duration, the cost and the reason for the failure of each run', async () => {
    const { page, go, close } = await openPage(browser, { locale: 'en-US' })
    await go('runs')
    const headers = page.getByRole('columnheader')
    await headers.first().waitFor()
    expect(await headers.allTextContents()).toEqual([
      'Compare',
      'State',
      'Run',
      'Task',
      'Created',
      'Duration',
      'Cost',
      'Reason',
    ])

    for (const [id, reason] of [
      [finished, ''],
      [failed, 'task-failed the task ended with exit code 3'],
    ] as const) {
      const { startedAt, endedAt, cost } = (await (await callOk('GET', `task-runs/${id}`)).json()) as RunView
      const cells = await rowOf(page, id).getByRole('cell').allTextContents()
      expect(cells[5]).toBe(formatDuration(secondsBetween(startedAt, endedAt)))
      expect(cells[6]).toBe(formatMoney(cost.usd, 'USD'))
      expect(cells[7]).toContain(reason)
      expect(cells[7] === '').toBe(reason === '')
    }
    await close()
  })

  it('shows only runs of the chosen state and task, and its link shows the same runs', async () => {
    const { page, go, close } = await openPage(browser)
    await go('runs')
    for (const [title, ...states] of [
      ['Failed', 'failed'],
      ['Finished', 'finished'],
      ['Not started', 'created', 'provisioned'],
    ] as const) {
      await page.getByLabel('State').selectOption({ label: title })
      await expect
        .poll(async () => {
          const shown = new Set(await column(page, STATE))
          return shown.size > 0 && shown.isSubsetOf(new Set<string>(states))
        })
        .toBe(true)
    }
    await page.getByLabel('State').selectOption({ label: 'Finished' })
    await page.getByLabel('Task', { exact: true }).selectOption({ label: 'Shell 1.0.0' })
    await page.getByRole('searchbox').fill('example.listed')
    await page.waitForURL(/q=example.listed/u)
    await expect.poll(() => column(page, RUN)).toEqual([finished.slice(0, 8)])
    expect(page.url()).toMatch(/#\/runs\?state=FINISHED&task=[0-9a-f-]{36}&q=example\.listed$/u)

    const shared = await openPage(browser)
    await shared.page.goto(page.url())

    await expect.poll(() => column(shared.page, RUN)).toEqual([finished.slice(0, 8)])
    expect(await column(shared.page, TASK)).toEqual(['Shell 1.0.0'])
    expect(await shared.page.getByLabel('State').inputValue()).toBe('FINISHED')
    expect(await shared.page.getByRole('searchbox').inputValue()).toBe('example.listed')
    await shared.close()
    await close()
  })

  it('says that the tasks of its filter cannot be listed, and lists the runs', async () => {
    const { page, go, close } = await openPage(browser)
    await page.route('**/v1/tasks', (route) => route.abort())
    await go('runs')

    await page.getByRole('alert').getByText('The tasks of the filter cannot be listed.').waitFor()
    await rowOf(page, failed).waitFor()
    await close()
  })

  it('shows a run that another client starts, and all its changes, without a reload', async () => {
    const { page, go, close } = await openPage(browser)
    await go('runs')
    await rowOf(page, failed).waitFor()
    const running = await openPage(browser)
    await running.go('runs?state=RUNNING')
    await running.page.getByRole('heading', { name: 'Runs' }).waitFor()
    // A reload would remove this mark.
    await page.evaluate('globalThis.isSamePage = true')

    const id = await createRun(shell, { text: 'while [ ! -e /outputs/go ]; do sleep 0.2; done' })
    await rowOf(page, id).getByText('provisioned').waitFor()
    expect((await column(page, RUN))[0]).toBe(id.slice(0, 8))
    expect(await rowOf(running.page, id).count()).toBe(0)
    await callOk('POST', `task-runs/${id}/state-actions`, { desired: 'RUNNING' })
    await rowOf(page, id).getByText('running').waitFor({ timeout: 60_000 })
    await rowOf(running.page, id).getByText('running').waitFor()
    await callOk('POST', `task-runs/${id}/state-actions`, { desired: 'CANCELLED' })

    await rowOf(page, id).getByText('failed').waitFor({ timeout: 60_000 })
    await rowOf(page, id).getByText('cancelled', { exact: true }).waitFor()
    // The list of running runs does not show it in another state.
    await expect.poll(() => rowOf(running.page, id).count()).toBe(0)
    await waitForState(`task-runs/${id}`, 'final')
    await callOk('DELETE', `task-runs/${id}`)
    await expect.poll(() => rowOf(page, id).count()).toBe(0)
    expect(await page.evaluate('isSamePage')).toBe(true)
    await running.close()
    await close()
  })
})

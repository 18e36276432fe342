import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { call } from '../integration/engine-client.ts'
import { dropFile, pageOfEachTest } from './browser.ts'
import { createSet, installShell, waitForSet } from './tasks.ts'

const watched = pageOfEachTest()
let task: string

beforeAll(async () => {
  task = await installShell()
})

const REFUSED = 'text,whole,colour\ntrue,7,red\ntrue,1000,red\n,8,red\n'

const TABLE = `text,whole
true,1
true,2
exit 3,3
"echo ""one, two""; exit 3",4
/bin/busybox rm /outputs/extra,5
true,6
`

const progress = (page: Page) =>
  page.getByRole('progressbar', { name: 'Progress', exact: true }).getAttribute('aria-valuetext')

/** Follows a download link. @returns the name of the file */
async function download(page: Page, link: string): Promise<string> {
  const begun = page.waitForEvent('download')
  await page.getByRole('link', { name: link }).click()
  return (await begun).suggestedFilename()
}

describe('a user with a cohort', () => {
  it('fixes the problems of a table, starts a set from it, and follows the set to its end', async () => {
    const { page, go } = watched()
    await go(task)
    await page.getByRole('button', { name: 'Start a run set' }).click()

    await page.getByLabel('Table', { exact: true }).fill(REFUSED)
    await page.getByText('CSV with 3 rows and 3 columns.').waitFor()
    await page.getByText('The task has no input “colour”.').waitFor()
    await page.getByRole('button', { name: 'Start 3 runs' }).click()

    await page.getByRole('row', { name: /2 whole .*1000/u }).waitFor()
    await page.getByRole('row', { name: /3 text .*no value/u }).waitFor()
    await page.getByRole('row', { name: /1 colour .*no such parameter/u }).waitFor()

    await page.getByLabel('Table', { exact: true }).fill('')
    const zone = page.getByRole('group', { name: 'File with the table' })
    await dropFile(page, zone, 'cohort.csv', Buffer.from(TABLE))
    await page.getByText('CSV with 6 rows and 2 columns.').waitFor()
    // Columns of the table have no field.
    expect(await page.getByLabel('Whole number', { exact: true }).count()).toBe(0)
    await page.getByLabel('Nuclei', { exact: true }).fill('2')
    await page.getByLabel('Name of the set').fill('Cohort 7')
    await page.getByLabel('Maximum number of concurrent runs').fill('3')
    await page.getByRole('button', { name: 'Start 6 runs' }).click()

    await page.waitForURL(/#\/sets\/[0-9a-f-]{36}$/u)
    await page.getByRole('heading', { name: /^Cohort 7/u }).waitFor()
    await expect.poll(() => progress(page), { timeout: 90_000 }).toBe('3 finished, 3 failed')
    await page.getByText('6 rows, at most 3 concurrent').waitFor()

    const groups = page.getByRole('region', { name: 'Why runs failed' }).getByRole('listitem')
    expect(await groups.count()).toBe(2)
    expect(await groups.first().textContent()).toMatch(
      /^2 × task-failed .*What to do: Read the end of the log/u,
    )
    await page.getByRole('img', { name: /^Histogram of durations: 6 runs, from .* median/u }).waitFor()
    await page
      .getByText(/^about \$/u)
      .first()
      .waitFor()

    await groups.nth(1).getByRole('link', { name: 'Run of row 5' }).click()
    await page.getByRole('region', { name: 'output-missing' }).waitFor()
    await page.getByText('row 5 of a').getByRole('link', { name: 'run set' }).click()
    await page.getByRole('heading', { name: /^Cohort 7/u }).waitFor()
  })

  it('filters the runs of a set, downloads results, retries failed rows, and deletes the set', async () => {
    const { page, go } = watched()
    const id = await createSet(task, [
      { text: 'true', whole: 1 },
      { text: 'exit 3', whole: 2 },
    ])
    await waitForSet(id, 'FINISHED')
    await go('sets')
    await page
      .getByRole('row')
      .filter({ hasText: 'Shell' })
      .getByRole('link', { name: 'Cohort' })
      .first()
      .click()

    const rows = page.getByRole('table', { name: 'The latest run of each row' }).locator('tbody tr')
    await expect.poll(() => rows.count()).toBe(2)
    await page.getByLabel('State of the runs').selectOption({ label: 'Failed' })
    await page.waitForURL(/state=FAILED/u)
    await expect.poll(() => rows.count()).toBe(1)
    expect(await rows.first().textContent()).toMatch(/^Row 2failed.*task-failed/u)
    await page.getByLabel('State of the runs').selectOption({ label: 'Running' })
    await page.getByText('No run is in this state.').waitFor()

    expect(await download(page, 'Table as CSV')).toBe(`outputs-${id}.csv`)
    expect(await download(page, 'All outputs as zip')).toBe(`outputs-${id}.zip`)

    await page.getByRole('button', { name: 'Retry the 1 failed row' }).click()
    await page.getByText('retried once').waitFor()
    await expect.poll(() => progress(page), { timeout: 60_000 }).toBe('1 finished, 1 failed')

    await page.getByRole('button', { name: 'Delete set' }).click()
    await page.getByRole('button', { name: 'Keep it' }).click()
    expect((await call('GET', `run-sets/${id}`)).status).toBe(200)
    await page.getByRole('button', { name: 'Delete set' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete set' }).click()
    await page.waitForURL(/#\/sets$/u)
    expect((await call('GET', `run-sets/${id}`)).status).toBe(404)
  })

  it('pages through the runs of a set, and cancels it', async () => {
    const { page, go } = watched()
    const rows = Array.from({ length: 12 }, (_, at) => ({ text: 'sleep 5', whole: at + 1 }))
    const id = await createSet(task, rows, 1)
    await waitForSet(id, 'RUNNING')
    // Shortens the pages, so that a few runs fill several.
    await page.route('**/run-sets/*/runs?limit=50*', (route) =>
      route.continue({ url: route.request().url().replace('limit=50', 'limit=5') }),
    )
    await go(`sets/${id}`)
    const firstRow = async (): Promise<string | null> =>
      page
        .getByRole('table', { name: 'The latest run of each row' })
        .locator('tbody td')
        .first()
        .textContent()

    await expect.poll(firstRow).toBe('Row 1')
    for (const row of ['Row 6', 'Row 11']) {
      await page.getByRole('button', { name: 'Next', exact: true }).click()
      await expect.poll(firstRow).toBe(row)
    }
    expect(await page.getByRole('button', { name: 'Next', exact: true }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'First', exact: true }).click()
    await expect.poll(firstRow).toBe('Row 1')

    await page.getByRole('button', { name: 'Cancel set' }).click()
    await page.getByRole('dialog').getByText('No more of its runs are started.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel set' }).click()
    await page.locator('h1').getByText('cancelled').waitFor()
    expect(await page.getByRole('button', { name: 'Cancel set' }).count()).toBe(0)
  })
})

import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { callOk } from '../integration/engine-client.ts'
import { launchBrowser, openPage } from './browser.ts'
import { tissuePng } from './pictures.ts'
import { installEveryType, installShell, runWith } from './tasks.ts'

let browser: Browser
let task: string
let shell: string
let first: string
let second: string
let failed: string

/** More items than a cell lists, so that it shows mean and range, which do not depend on the order. */
const LONG = Array.from({ length: 12 }, (_, at) => at)
/** Images for a run: `picture` differs between runs, `slide` is always the same. */
const picturesOf = (width: number) => ({ picture: tissuePng(width, 40), slide: tissuePng(30, 20) })

beforeAll(async () => {
  browser = await launchBrowser()
  task = await installEveryType()
  shell = await installShell()
  const runs = [
    runWith(task, { nuclei: 3, number: 0.25, numbers: LONG }, { files: picturesOf(60) }),
    runWith(task, { nuclei: 5, number: 0.25, numbers: LONG.toReversed() }, { files: picturesOf(48) }),
    runWith(shell, { text: 'exit 3' }),
  ] as const
  ;[first, second, failed] = await Promise.all(runs)
})
afterAll(() => browser.close())

const DURATION = /(?:\d+(?:\.\d)? s|\d+ min(?: \d+ s)?)$/u

describe('the page of a run', () => {
  it('says when the inputs of a run that lacks some are shown', async () => {
    const { page, go, close } = await openPage(browser)
    const { id } = (await (await callOk('POST', `${shell}/runs`)).json()) as { readonly id: string }

    await go(`runs/${id}`)

    const inputs = page.getByRole('region', { name: 'Inputs' })
    await inputs.getByText('Inputs are shown once all required ones are given.').waitFor()
    await close()
  })

  it("shows the run's states with durations, its cost, and times in the user's time zone", async () => {
    const { page, go, close } = await openPage(browser, { timezoneId: 'Asia/Tokyo', locale: 'en-GB' })
    await go(`runs/${first}`)

    const timeline = page.getByRole('region', { name: 'Timeline' })
    const states = timeline.locator('ol').getByRole('listitem')
    await states.last().getByText('finished').waitFor()
    const steps = await states.allTextContents()
    expect(steps[0]).toMatch(/^created/u)
    expect(steps.some((step) => /^running/u.test(step))).toBe(true)
    // The last state has no duration.
    for (const step of steps.slice(0, -1)) expect(step).toMatch(DURATION)
    for (const phase of ['queue', 'stage in', 'task', 'stage out', 'collect'])
      await timeline.getByRole('listitem').filter({ hasText: phase }).getByText(DURATION).first().waitFor()

    const created = page.getByText('· created').locator('time')
    const at = new Date((await created.getAttribute('datetime')) ?? '')
    const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Tokyo', timeStyle: 'medium' }).format(at)
    expect(await created.textContent()).toBe(clock)
    expect(await created.getAttribute('title')).toContain(`${clock} GMT+9 (${at.toISOString()})`)

    const machine = page.getByRole('region', { name: 'Machine and cost' })
    const facts = await machine.textContent()
    expect(facts).toMatch(
      /Requested1 CPU, 256 MiB.*Charged[\d.]+ vCPU s, [\d.]+ GiB s.*Costabout (?:US)?\$0\.\d+.*Attempts1/u,
    )
    expect(await machine.getByTitle(/^On-demand prices of /u).count()).toBe(1)
    await close()
  })

  it.each(['Inputs', 'Outputs'])(
    'shows numbers and texts as they are, and arrays as tables: %s',
    async (kind) => {
      const { page, go, close } = await openPage(browser)
      await go(`runs/${first}`)
      const values = page.getByRole('region', { name: kind, exact: true })
      const valueAt = (term: string) =>
        values.getByRole('term').filter({ hasText: term }).locator('xpath=following-sibling::dd[1]')
      const weights = valueAt('Weights numbers')
      await weights.waitFor()

      expect(await values.getByRole('definition').getByText('0.25', { exact: true }).count()).toBe(1)
      expect(await valueAt('Threshold number').textContent()).toBe('0.25')
      expect(await valueAt('Whole number whole').textContent()).toBe('7')
      expect(await valueAt('Label text').textContent()).toBe('Slide 7')
      const cells = (row: Locator) => row.getByRole('cell').allTextContents()
      const rows = await weights.getByRole('row').all()
      expect(await rows[0]?.getByRole('columnheader').allTextContents()).toEqual(['Item', 'Value'])
      expect(await Promise.all(rows.slice(1).map(cells))).toEqual(LONG.map((at) => [`${at}`, `${at}`]))
      await close()
    },
  )

  it('says at its geometries that the images of the inputs cannot be shown', async () => {
    const { page, go, close } = await openPage(browser)
    await page.route(`**/task-runs/${first}/inputs`, (route) => route.abort())
    await go(`runs/${first}`)

    const outputs = page.getByRole('region', { name: 'Outputs' })
    await outputs.getByRole('alert').getByText('The images of the inputs cannot be shown.').waitFor()
    await outputs.getByRole('application', { name: 'Geometries over the image' }).waitFor()
    await close()
  })

  it('is updated by polling if there is no edge', async () => {
    const base = `${inject('apiUrl').replace(/\/+$/u, '')}/app-engine/v1/`
    const { page, go, close } = await openPage(browser, { base })
    const statuses: number[] = []
    page.on('response', (answer) => {
      if (/\/events(?:\?|$)/u.test(answer.url())) statuses.push(answer.status())
    })
    const id = await runWith(
      shell,
      { text: 'for i in 1 2 3 4; do echo "step $i"; sleep 1; done' },
      { isLeft: true },
    )
    await go(`runs/${id}`)

    await page.locator('h1').getByText('running').waitFor({ timeout: 60_000 })
    await page.getByLabel('Log of the task').getByText('step 1').waitFor()
    await page.locator('h1').getByText('finished').waitFor({ timeout: 60_000 })
    await page.getByLabel('Log of the task').getByText('step 4').waitFor()

    expect(await page.getByLabel('Log of the task').getByText('step 1').count()).toBe(1)
    expect(new Set(statuses)).toEqual(new Set([501]))
    const other = await runWith(shell, { text: 'sleep 30' }, { isLeft: true })
    await go(`runs/${other}`)
    await page.locator('h1').getByText('running').waitFor({ timeout: 60_000 })
    await callOk('DELETE', `task-runs/${other}`)
    await page.getByText('This run was deleted.').waitFor()
    await close()
  })
})

describe('the page of a task', () => {
  it('keeps the chosen tab in the URL, so that a reload and a shared link show it', async () => {
    const { page, go, close } = await openPage(browser)
    await go(task)
    await page.getByRole('button', { name: 'Start', exact: true }).waitFor()
    expect(page.url()).not.toContain('tab=')

    await page.getByRole('button', { name: 'Descriptor', exact: true }).click()
    const descriptor = page.getByLabel('descriptor.yml')
    await descriptor.waitFor()
    await page.waitForURL(/[?&]tab=descriptor$/u)
    await page.reload()

    await descriptor.getByText('namespace: org.example.every-type').waitFor()
    expect(page.url()).toMatch(/[?&]tab=descriptor$/u)
    expect(await page.getByRole('button', { name: 'Start', exact: true }).count()).toBe(0)
    await close()
  })

  it('says that its latest runs cannot be shown', async () => {
    const { page, go, close } = await openPage(browser)
    await page.route(/\/task-runs\?taskId=/u, (route) => route.abort())
    await go(task)

    const runs = page.getByRole('region', { name: 'Latest runs' })
    await runs.getByRole('alert').getByText('The latest runs cannot be shown.').waitFor()
    await close()
  })

  it('says that no queue can run its runs, and why: it needs a GPU', async () => {
    const { page, go, close } = await openPage(browser)
    await go(await installEveryType({ namespace: 'org.example.gpu', name: 'GPU', resources: ', gpus: 1' }))

    const card = page.getByRole('region', { name: 'Where it runs' })
    const facts = card.getByRole('definition')
    await card.getByText('No queue can run this task.').waitFor()
    expect(await facts.first().textContent()).toBe('1 CPU, 256Mi memory, 1 GPU')
    expect(await facts.last().getByRole('paragraph').allTextContents()).toEqual([
      'No queue can run this task.',
      'the task requests 1 GPU(s), and this installation has no GPU queue',
    ])
    expect(await card.getByText(/an hour$/u).count()).toBe(0)
    await close()
  })

  it('shows the placement of its runs, and the price of an hour', async () => {
    const { page, go, close } = await openPage(browser)
    await go(task)

    const card = page.getByRole('region', { name: 'Where it runs' })
    await card.getByText(/^about \$0\.\d+ an hour$/u).waitFor()
    expect(await card.textContent()).toMatch(/1 CPU, 256Mi memory.*Queuefargate.*\d vCPU, .*Image\d/u)
    await close()
  })
})

describe('the list of runs', () => {
  const ids = (page: Page) => page.locator('tbody tr td:nth-child(3)').allTextContents()

  it('can be filtered by task and by text, and shows why runs failed', async () => {
    const { page, go, close } = await openPage(browser)
    await go('runs')
    await page.getByLabel('Task', { exact: true }).selectOption({ label: 'Shell 1.0.0' })
    await page.waitForURL(/task=[0-9a-f-]{36}/u)
    await expect.poll(() => ids(page)).not.toContain(first.slice(0, 8))
    await expect.poll(() => ids(page)).toContain(failed.slice(0, 8))
    await page.getByText('the task ended with exit code 3').first().waitFor()

    await page.getByLabel('Task', { exact: true }).selectOption({ label: 'Any task' })
    await page.getByRole('searchbox').fill(second.slice(0, 8))
    await expect.poll(() => ids(page)).toEqual([second.slice(0, 8)])
    await close()
  })

  it('leads to older runs, and back to the newest', async () => {
    const { page, go, close } = await openPage(browser)
    // Shortens the pages, so that a few runs fill several.
    await page.route('**/task-runs?limit=50*', (route) =>
      route.continue({ url: route.request().url().replace('limit=50', 'limit=2') }),
    )
    await go('runs?q=org.example.')
    await expect.poll(() => ids(page)).toHaveLength(2)
    const newest = await ids(page)

    await page.getByRole('button', { name: 'Older' }).click()
    await page.waitForURL(/cursor=/u)
    await expect.poll(async () => (await ids(page)).filter((id) => newest.includes(id))).toEqual([])
    await expect.poll(() => ids(page)).not.toEqual([])
    await page.goBack()
    await expect.poll(() => ids(page)).toEqual(newest)
    await page.goForward()
    await expect.poll(() => ids(page)).not.toEqual(newest)
    await page.getByRole('button', { name: 'Newest' }).click()

    await expect.poll(() => ids(page)).toEqual(newest)
    expect(page.url()).toContain('q=org.example.')
    await close()
  })
})

describe('the comparison of two runs', () => {
  it('marks inputs and outputs that differ, and no others', async () => {
    const { page, go, close } = await openPage(browser)
    await go(`compare?a=${first}&b=${second}`)

    const row = (name: RegExp) => page.getByRole('row', { name })
    await row(/^nuclei \(differs\) 3 5$/u).waitFor()
    await row(/^found \(differs\) 3 geometries 5 geometries$/u).waitFor()
    await row(/^picture \(differs\) image, .* image, /u)
      .first()
      .waitFor()
    await row(/^numbers \(differs\) 12 items/u)
      .first()
      .waitFor()
    for (const same of [
      /^slide image, (.*) image, \1$/u,
      /^State finished finished$/u,
      /^number 0\.25 0\.25$/u,
      /^whole 7 7$/u,
    ])
      expect(await row(same).count()).toBeGreaterThan(0)
    await row(/^Duration/u).waitFor()
    await row(/^Cost .*\$0\./u).waitFor()
    await close()
  })
})

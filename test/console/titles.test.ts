import { beforeAll, describe, expect, it } from 'vitest'
import { callOk } from '../integration/engine-client.ts'
import { pageOfEachTest } from './browser.ts'
import { createSet, installShell, runWith, waitForSet } from './tasks.ts'

const watched = pageOfEachTest()
let task: string

beforeAll(async () => {
  task = await installShell()
})

const NEVER = '11111111-1111-4111-8111-111111111111'

describe('the title of a tab', () => {
  it.each([
    ['tasks', 'Tasks – App Engine'],
    ['runs?state=FAILED', 'Runs – App Engine'],
    ['sets', 'Run sets – App Engine'],
    ['api', 'API – App Engine'],
    ['tasks/org.example.shell/1.0.0', 'Shell 1.0.0 – App Engine'],
    ['elsewhere', 'No such page – App Engine'],
    [`runs/${NEVER}`, 'Run 11111111 (missing) – App Engine'],
  ])('names the page %s', async (place, title) => {
    const { page, go } = watched()
    await go(place)

    await expect.poll(() => page.title()).toBe(title)
  })

  it('has the state of the run, also when it changes', async () => {
    const { page, go } = watched()
    const id = await runWith(
      task,
      { text: 'while [ ! -e /outputs/go ]; do sleep 0.2; done' },
      { isLeft: true },
    )
    const name = `Run ${id.slice(0, 8)}`
    await go(`runs/${id}`)
    await expect.poll(() => page.title(), { timeout: 60_000 }).toBe(`${name} (running) – Shell – App Engine`)

    await callOk('POST', `task-runs/${id}/state-actions`, { desired: 'CANCELLED' })

    await expect.poll(() => page.title()).toBe(`${name} (failed) – Shell – App Engine`)
  })

  it('has the name and the state of a set, and the row of its run', async () => {
    const { page, go } = watched()
    const id = await createSet(task, [{ text: 'true', whole: 1 }])
    await waitForSet(id, 'FINISHED')
    await go(`sets/${id}`)
    await expect.poll(() => page.title()).toBe('Cohort (finished) – Shell – App Engine')

    await page.getByRole('link', { name: 'Row 1' }).click()

    await expect.poll(() => page.title()).toBe(`Run ${id.slice(0, 8)} row 1 (finished) – Shell – App Engine`)
  })

  it('names both runs of a comparison', async () => {
    const { page, go } = watched()
    const [one, other] = await Promise.all([
      runWith(task, { text: 'true' }),
      runWith(task, { text: 'exit 3' }),
    ])

    await go(`compare?a=${one}&b=${other}`)

    await expect
      .poll(() => page.title())
      .toBe(`Runs ${one.slice(0, 8)} and ${other.slice(0, 8)} – Shell – App Engine`)
  })
})

describe('the page of a run, set or task that does not exist', () => {
  it.each([
    ['run', `runs/${NEVER}`, NEVER],
    ['run', 'runs/not-an-id', 'not-an-id'],
    ['run set', `sets/${NEVER}`, NEVER],
    ['task', 'tasks/org.example.none/1.0.0', 'org.example.none 1.0.0'],
  ])('says that it does not exist, and links to the list: %s, %s', async (what, place, id) => {
    const { page, go } = watched()
    await go(place)

    await page.getByRole('heading', { name: `There is no such ${what}.` }).waitFor()
    expect(await page.getByRole('paragraph').first().textContent()).toBe(
      `The ${what} ${id} was deleted, or the link is wrong.`,
    )
    await page.getByRole('link', { name: `Show all ${what}s` }).click()
    await page
      .getByRole('heading', { name: `${what[0]?.toUpperCase()}${what.slice(1)}s`, exact: true })
      .waitFor()
  })

  it('says that the run was deleted if this happened while the page was open', async () => {
    const { page, go } = watched()
    const id = await runWith(
      task,
      { text: 'while [ ! -e /outputs/go ]; do sleep 0.2; done' },
      { isLeft: true },
    )
    await go(`runs/${id}`)
    await page.locator('h1').getByText('running').waitFor({ timeout: 60_000 })

    await callOk('DELETE', `task-runs/${id}`)

    await page.getByRole('heading', { name: 'This run was deleted.' }).waitFor()
  })

  it('does not say this when the service is unreachable', async () => {
    const { page, go } = watched()
    await page.route('**/v1/tasks/org.example.shell/**', (route) => route.abort())
    await go(task)

    await page.getByRole('heading', { name: 'Task org.example.shell 1.0.0 cannot be shown.' }).waitFor()
  })
})

describe('an empty list', () => {
  it('of the runs of a set in one state leads to all of its runs', async () => {
    const { page, go } = watched()
    const id = await createSet(task, [{ text: 'true', whole: 1 }])
    await waitForSet(id, 'FINISHED')
    await go(`sets/${id}?state=FAILED`)
    await page.getByText('No run is in this state.').waitFor()

    await page.getByRole('link', { name: 'Show all runs of the set' }).click()

    await page.getByRole('link', { name: 'Row 1' }).waitFor()
  })

  it('of filtered tasks leads to all tasks', async () => {
    const { page, go } = watched()
    const tasks = (await (await callOk('GET', 'tasks')).json()) as readonly Record<string, string>[]
    // The filter is shown for more than eight tasks.
    const many = Array.from({ length: 9 }, (_, at) => ({ ...tasks[0], id: `${at}`, version: `1.0.${at}` }))
    await page.route('**/v1/tasks', (route) => route.fulfill({ json: many }))
    await go('tasks')
    await page.getByLabel('Filter tasks').fill('nothing like it')
    await page.getByText('No task matches.').waitFor()

    await page.getByRole('button', { name: 'Show all tasks' }).click()

    await expect.poll(() => page.locator('.cards > li').count()).toBe(9)
  })

  it('of filtered operations leads to all operations', async () => {
    const { page, go } = watched()
    await go('api')
    await page.getByLabel('Filter operations').fill('nothing like it')
    await page.getByText('No operation matches.').waitFor()

    await page.getByRole('button', { name: 'Show all operations' }).click()

    await expect.poll(() => page.locator('.operations > li').count()).toBeGreaterThan(0)
  })
})

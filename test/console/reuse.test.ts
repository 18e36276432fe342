import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { callOk, outputsOf } from '../integration/engine-client.ts'
import { pageOfEachTest } from './browser.ts'
import { installEveryType, waitForSet } from './tasks.ts'

const watched = pageOfEachTest()
let task: string

beforeAll(async () => {
  // Each execution writes a different number.
  task = await installEveryType({
    namespace: 'org.example.reused',
    name: 'Reused',
    before: '/bin/busybox date +%s > /outputs/moment',
    outputs: '  moment: {display_name: Moment, description: "-", type: integer}\n',
  })
})

const reuse = (page: Page) => page.getByRole('checkbox', { name: 'Reuse results of equal runs' })

/** Starts a run by the form and waits for its end. @returns its id */
async function startByForm(page: Page, isReused: boolean): Promise<string> {
  await page.goto(`${page.url().replace(/#.*/u, '')}#/${task}`)
  await page.getByLabel('Whole number', { exact: true }).fill('7')
  await page.getByLabel('Label', { exact: true }).fill('Slide 7')
  expect(await reuse(page).isChecked()).toBe(false)
  if (isReused) await reuse(page).check()
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  await page.waitForURL(/#\/runs\/[0-9a-f-]{36}$/u)
  await page.locator('h1').getByText('finished').waitFor({ timeout: 60_000 })
  return page.url().split('/').at(-1) ?? ''
}

describe('the reuse of results', () => {
  it('is chosen in the form of a run, whose page links to the run that computed the outputs', async () => {
    const { page, go } = watched()
    await go('tasks')
    const first = await startByForm(page, true)
    await page.getByText('executed: ').waitFor()
    const second = await startByForm(page, true)

    expect(await outputsOf(`task-runs/${second}`)).toEqual(await outputsOf(`task-runs/${first}`))
    await page.getByText('not executed; its outputs are those of run').waitFor()
    await page.getByText('none, because the run was not executed').waitFor()
    await page.getByRole('link', { name: first.slice(0, 8) }).click()
    await page.waitForURL(`**/#/runs/${first}`)

    const third = await startByForm(page, false)
    const view = (await (await callOk('GET', `task-runs/${third}`)).json()) as object
    expect(view).not.toHaveProperty('reusedFrom')
    expect(view).toHaveProperty('startedAt')
  })

  it('is chosen in the form of a run set, whose rows link to the runs that computed the outputs', async () => {
    const { page, go } = watched()
    await go('tasks')
    await startByForm(page, false)
    await go(`${task}?tab=set`)
    await page.getByLabel('Table', { exact: true }).fill('whole,text\n7,Slide 7\n8,Slide 8')
    await reuse(page).check()
    await page.getByRole('button', { name: 'Start 2 runs' }).click()
    await page.waitForURL(/#\/sets\/[0-9a-f-]{36}$/u)
    await page.getByText('reuses results of equal runs').waitFor()
    await waitForSet(page.url().split('/').at(-1) ?? '', 'FINISHED')

    const rows = page.getByRole('table', { name: 'The latest run of each row' }).locator('tbody tr')
    const [one, other] = [rows.nth(0), rows.nth(1)]
    await other.getByText('finished').waitFor()
    await one.getByText('outputs of').waitFor()
    expect(await other.getByText('outputs of').count()).toBe(0)
    await one.getByRole('link', { name: /^run /u }).click()
    await page.waitForURL(/#\/runs\/[0-9a-f-]{36}$/u)
    expect(await outputsOf(`task-runs/${page.url().split('/').at(-1)}`)).toMatchObject({ whole: 7 })
  })
})

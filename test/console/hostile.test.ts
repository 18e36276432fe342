import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { setFaults } from '../integration/stack-controls.ts'
import { launchBrowser, openPage } from './browser.ts'
import { installEveryType, runWith } from './tasks.ts'

let browser: Browser

beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser.close())
afterEach(() => setFaults({}))

const IMAGE = '<img src=x onerror=alert(1)>'

describe('untrusted texts', () => {
  it('are shown as text on every page: descriptions, values and logs', async () => {
    const task = await installEveryType({
      namespace: 'org.example.hostile',
      name: 'Hostile',
      description: `${IMAGE}<script>alert(2)</script>`,
      before: `printf '${IMAGE}\\n\\033[31mred\\033[0m \\033]0;title\\007 \\033[2Jgone\\n'`,
    })
    const id = await runWith(task, { text: IMAGE })
    const { page, go, close } = await openPage(browser)

    for (const place of [
      'tasks',
      'tasks/org.example.hostile/1.0.0',
      'tasks/org.example.hostile/1.0.0?tab=descriptor',
    ]) {
      await go(place)
      await page.getByText(IMAGE).first().waitFor()
    }
    await go(`runs/${id}`)
    await page.getByRole('definition').getByText(IMAGE).first().waitFor()
    const log = page.getByLabel('Log of the task')
    await log.getByText('red').waitFor()

    expect(await log.textContent()).toContain(`${IMAGE}\nred `)
    expect(await log.textContent()).toContain('␛[2Jgone')
    expect(await page.locator('img[src="x"]').count()).toBe(0)
    await go(`compare?a=${id}&b=${id}`)
    await page.getByRole('cell', { name: IMAGE }).first().waitFor()
    await go(`runs?q=${encodeURIComponent(IMAGE)}`)
    await page.getByText('No run matches.').waitFor()
    await close()
  })
})

const FAILURES = [
  ['task-failed', { before: 'echo "no model" >&2; exit 3' }, 'Read the log'],
  [
    'output-missing',
    { outputs: '  absent: {display_name: Absent, description: "-", type: integer}\n' },
    'Outputs that the task declares',
  ],
  [
    'output-invalid',
    {
      outputs: '  bad: {display_name: Bad, description: "-", type: integer}\n',
      before: 'echo words > /outputs/bad',
    },
    'Outputs that the task declares',
  ],
  ['unschedulable', { resources: ', gpus: 1' }, 'Where the task would run'],
  ['time-out', { before: 'sleep 60' }, 'Read the log'],
] as const

describe('a run that fails', () => {
  it.each(FAILURES)('shows the reason, the remedy and the link to it: %s', async (kind, options, way) => {
    if (kind === 'time-out') await setFaults({ attemptSeconds: 1 })
    const task = await installEveryType({
      ...options,
      namespace: `org.example.${kind}`,
      name: `Fails by ${kind}`.slice(0, 30),
    })
    const id = await runWith(task, {})
    const { page, go, close } = await openPage(browser)

    await go(`runs/${id}`)

    const card = page.getByRole('region', { name: kind })
    await card.getByText('What to do:').waitFor()
    await card.getByText(way).first().waitFor()
    await go('runs?state=FAILED')
    await page
      .getByRole('row')
      .filter({ hasText: id.slice(0, 8) })
      .getByText(kind)
      .first()
      .waitFor()
    await close()
  })
})

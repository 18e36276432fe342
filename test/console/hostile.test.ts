import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser, openPage } from './browser.ts'
import { installEveryType, runWith } from './tasks.ts'

let browser: Browser

beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser.close())

const IMAGE = '<img src=x onerror=alert(1)>'

describe('untrusted texts', () => {
  it('are shown as text on every page: labels, descriptions, values and logs', async () => {
    const task = await installEveryType({
      namespace: 'org.example.hostile',
      name: 'Hostile',
      outputs: `  odd: {display_name: ${JSON.stringify(IMAGE)}, description: "-", type: integer, optional: true}\n`,
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
    await go('tasks/org.example.hostile/1.0.0?tab=parameters')
    await page.getByRole('rowheader', { name: IMAGE }).waitFor()
    expect(await page.locator('img[src="x"]').count()).toBe(0)
    await close()
  })
})

import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { callOk, waitForState } from '../integration/engine-client.ts'
import { pageOfEachTest } from './browser.ts'
import { everyTypeBundle } from './every-type-task.ts'
import { installEveryType, installShell, runWith } from './tasks.ts'

const watched = pageOfEachTest()

const FOCUSED = `(() => {
  const { activeElement } = document
  return activeElement.getAttribute('aria-label') ?? activeElement.textContent
})()`

/** Presses Tab until an element with this name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  const focused = () => page.evaluate<string | null>(FOCUSED)
  for (let step = 0; step < 80 && (await focused()) !== name; step += 1) await page.keyboard.press('Tab')
  expect(await focused()).toBe(name)
}

/** Moves to an element and presses a key. */
async function press(page: Page, name: string, key = 'Enter'): Promise<void> {
  await tabTo(page, name)
  await page.keyboard.press(key)
}

describe('a user with a keyboard', () => {
  it('goes from the top of the page to the form of a task', async () => {
    const { page, go } = watched()
    await installEveryType()
    await go('tasks')
    await page.getByRole('heading', { name: 'Every type' }).first().waitFor()

    await press(page, 'Skip to content')
    await press(page, 'Every type')

    await page.getByRole('button', { name: 'Start', exact: true }).waitFor()
  })

  it('fills in the form and starts the run', async () => {
    const { page, go } = watched()
    await go(await installEveryType())
    await page.getByRole('button', { name: 'Start', exact: true }).waitFor()

    await tabTo(page, 'Nuclei')
    await page.keyboard.type('2')
    await tabTo(page, 'Whole number')
    await page.keyboard.type('7')
    await press(page, 'Normalise', 'ArrowDown')
    await tabTo(page, 'Label')
    await page.keyboard.type('By hand')
    await press(page, 'Add item')
    await tabTo(page, 'Weights, item 0')
    await page.keyboard.type('0.5')
    await press(page, 'Start')

    await page.waitForURL(/#\/runs\/[0-9a-f-]{36}$/u)
    await page.locator('h1').getByText('finished').waitFor({ timeout: 60_000 })
    await page.getByRole('definition').getByText('By hand').first().waitFor()
  })

  it('uploads a bundle by the dialog for files', async () => {
    const { page, go } = watched()
    const bundle = await everyTypeBundle({ namespace: 'org.example.typed', name: 'Typed' })
    await go('tasks')
    await page.getByRole('group', { name: 'Upload a task' }).waitFor()

    const opened = page.waitForEvent('filechooser')
    await press(page, 'Upload a task')
    await (await opened).setFiles({ name: 'typed.zip', mimeType: 'application/zip', buffer: bundle })

    await page.getByRole('status').getByText('Installed').waitFor()
    await page.getByRole('heading', { name: 'Typed 1.0.0' }).waitFor()
  })

  it('confirms that a run is cancelled, and then that it is deleted', async () => {
    const { page, go } = watched()
    const shell = await installShell()
    const id = await runWith(
      shell,
      { text: 'while [ ! -e /outputs/go ]; do sleep 0.2; done' },
      { isLeft: true },
    )
    await go(`runs/${id}`)
    await page.getByRole('button', { name: 'Cancel run' }).waitFor()

    await press(page, 'Cancel run')
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    await press(page, 'Keep it')
    await dialog.waitFor({ state: 'hidden' })
    await expect.poll(() => page.evaluate(FOCUSED)).toBe('Cancel run')
    await press(page, 'Cancel run')
    await dialog.waitFor()
    // The focus cannot leave the dialog, so this is the dialog's button.
    await press(page, 'Cancel run')
    await waitForState(`task-runs/${id}`, 'final')
    await page.getByText('The run was cancelled.').waitFor()
    await dialog.waitFor({ state: 'hidden' })
    await expect.poll(() => page.evaluate(FOCUSED)).toBe('Delete run')
    await press(page, 'Delete run')
    await dialog.waitFor()
    await press(page, 'Delete run')

    await page.waitForURL(/#\/runs$/u)
  })

  it('filters the list of runs, and compares two', async () => {
    const { page, go } = watched()
    const task = await installEveryType()
    const ids = [await runWith(task, { nuclei: 1 }), await runWith(task, { nuclei: 2 })]
    await go('runs?q=every-type')
    await page.getByLabel(`Compare run ${ids[0]?.slice(0, 8)}`).waitFor()

    await tabTo(page, 'State')
    await page.keyboard.type('Finished')
    await page.waitForURL(/state=FINISHED/u)
    await page.getByLabel(`Compare run ${ids[0]?.slice(0, 8)}`).waitFor()
    for (const id of ids.toReversed()) await press(page, `Compare run ${id.slice(0, 8)}`, 'Space')
    await page.getByRole('link', { name: 'Compare' }).waitFor()
    await page.evaluate('document.body.tabIndex = -1; document.body.focus()')
    await press(page, 'Compare')

    await page.getByRole('row', { name: /^nuclei \(differs\)/u }).waitFor()
  })

  it('runs again, and pans and zooms the picture of the result', async () => {
    const { page, go } = watched()
    const id = await runWith(await installEveryType(), { nuclei: 12 })
    await go(`runs/${id}`)
    const map = page.getByRole('application', { name: 'Geometries over the image' })
    await map.locator('canvas').first().waitFor()

    await tabTo(page, 'Geometries over the image')
    const before = (await map.screenshot()).toString('base64')
    await page.keyboard.press('+')
    await expect.poll(async () => (await map.screenshot()).toString('base64')).not.toBe(before)
    await page.evaluate('document.body.tabIndex = -1; document.body.focus()')
    await press(page, 'Run again')

    await page.waitForURL(
      (address) => /#\/runs\/[0-9a-f-]{36}$/u.test(address.hash) && !address.hash.endsWith(id),
    )
    const again = page.url().split('/').at(-1) ?? ''
    await waitForState(`task-runs/${again}`, 'final')
    await callOk('DELETE', `task-runs/${again}`)
  })
})

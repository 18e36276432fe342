import type { Browser, Locator } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callOk } from '../integration/engine-client.ts'
import { launchBrowser, openPage } from './browser.ts'
import { installShell, runWith } from './tasks.ts'

let browser: Browser
let run: string

/** Prints more lines than the box shows, then another one each second. */
const TEXT = `
  i=0
  while [ $i -lt 200 ]; do i=$((i + 1)); echo "line $i"; done
  while [ ! -e /outputs/go ]; do i=$((i + 1)); echo "line $i"; sleep 1; done
`

beforeAll(async () => {
  browser = await launchBrowser()
  run = await runWith(await installShell(), { text: TEXT.trim() }, { isLeft: true })
})
afterAll(async () => {
  await callOk('POST', `task-runs/${run}/state-actions`, { desired: 'CANCELLED' })
  await browser.close()
})

/** The members of a scrollable element that are used here, because the tests are compiled without types of the DOM. */
interface Box {
  readonly scrollTop: number
  readonly scrollHeight: number
  readonly clientHeight: number
  readonly textContent: string
}

interface Position {
  readonly top: number
  /** Pixels that are hidden below. */
  readonly below: number
  /** Number of the last line. */
  readonly last: number
}

function positionOf(log: Locator): Promise<Position> {
  return log.evaluate(({ scrollTop, scrollHeight, clientHeight, textContent }: Box) => {
    const last = Number(textContent.trim().split('line ').at(-1))
    return { top: scrollTop, below: Math.floor(scrollHeight - scrollTop - clientHeight), last }
  })
}

describe('the live log of a run', () => {
  it('follows new lines, stays where the user has scrolled to, and follows again on request', async () => {
    const { page, go, close } = await openPage(browser)
    await go(`runs/${run}`)
    const log = page.getByLabel('Log of the task')
    const follow = page.getByRole('checkbox', { name: 'Follow' })
    /** Waits for further lines. @returns the position after them */
    const afterMore = async (lines: number): Promise<Position> => {
      const until = (await positionOf(log)).last + lines
      await expect.poll(async () => (await positionOf(log)).last).toBeGreaterThanOrEqual(until)
      return positionOf(log)
    }

    await log.getByText('line 200').waitFor({ timeout: 60_000 })
    await expect.poll(async () => (await positionOf(log)).below).toBe(0)
    expect((await positionOf(log)).top).toBeGreaterThan(1000)
    await afterMore(2)
    await expect.poll(async () => (await positionOf(log)).below).toBe(0)
    expect(await follow.isChecked()).toBe(true)

    await log.hover()
    await page.mouse.wheel(0, -500)
    await expect.poll(() => follow.isChecked()).toBe(false)
    const { top } = await afterMore(1)
    expect(await afterMore(2)).toMatchObject({ top })

    await follow.check()
    await expect.poll(async () => (await positionOf(log)).below).toBe(0)
    await afterMore(2)
    await expect.poll(async () => (await positionOf(log)).below).toBe(0)
    expect((await positionOf(log)).top).toBeGreaterThan(top)
    await close()
  })
})

import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { pageOfEachTest } from './browser.ts'
import { installEveryType, runWith } from './tasks.ts'

const watched = pageOfEachTest()
let first: string
let second: string

beforeAll(async () => {
  const task = await installEveryType()
  first = await runWith(task, { nuclei: 1000 })
  second = await runWith(task, { nuclei: 1001 })
})

const VALUES = /\/task-runs\/[0-9a-f-]{36}\/(?:inputs|outputs)$/u

/** Lists of values that the page itself has read: entries of its workers are in their own timelines. */
async function listsReadBy(page: Page): Promise<readonly string[]> {
  const names = await page.evaluate<string[]>(
    `performance.getEntriesByType('resource').map(({ name }) => name)`,
  )
  return names.filter((name) => VALUES.test(name))
}

describe('values, which may have 50 MB, are read outside the thread of the page', () => {
  it('for the comparison of two runs', async () => {
    const { page, go, requests } = watched()
    await go(`compare?a=${first}&b=${second}`)

    await page.getByRole('row', { name: /^found \(differs\) 1,000 geometries 1,001 geometries$/u }).waitFor()

    expect(await listsReadBy(page)).toEqual([])
    expect(requests.filter((address) => VALUES.test(address))).toHaveLength(4)
  })

  it('for the program of a run', async () => {
    const { page, go } = watched()
    await go(`runs/${first}`)

    await page.getByRole('button', { name: 'This run as a program' }).click()

    await page.getByLabel('Program in curl', { exact: true }).waitFor()
    expect(await listsReadBy(page)).toEqual([])
  })
})

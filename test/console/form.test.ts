import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { callOk, outputsOf } from '../integration/engine-client.ts'
import { dropFiles, pageOfEachTest } from './browser.ts'
import { tissuePng } from './pictures.ts'
import { installArrays, installEveryType } from './tasks.ts'

const watched = pageOfEachTest()

const field = (page: Page, name: string) => page.getByLabel(name, { exact: true })

/** Starts the run of the form. @returns its path, when it has finished */
async function start(page: Page): Promise<string> {
  await field(page, 'Whole number').fill('7')
  await field(page, 'Label').fill('Slide 7')
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  await page.waitForURL(/#\/runs\/[0-9a-f-]{36}$/u)
  await page.locator('h1').getByText('finished').waitFor({ timeout: 60_000 })
  return `task-runs/${page.url().split('/').at(-1)}`
}

/** Types and constraints that the form shows at the fields of the task with every type. */
const HINTS = [
  ['Picture', 'A part of a slide. image, PNG, JPEG, TIFF, at most 20000 pixels wide'],
  ['Nuclei', 'How many to find. whole number, at least 0, at most 200000'],
  ['Whole number', 'Comes back. whole number, greater than 0, at most 100'],
  ['Threshold', 'Comes back. number, at least 0, less than 1'],
  ['Normalise', 'Comes back. yes or no'],
  ['Label', 'Comes back. text, at least 2 characters, at most 200 characters'],
  ['Stain', 'Comes back. one of a list, “H&E” or “IHC”'],
  ['Region', 'Where to look. geometry, GeoJSON, in pixels from the lower left corner of the image'],
  ['Weights', 'Come back. list of items (number), at least 1 items, at most 50 items'],
] as const

describe('the form of a run', () => {
  it('has the defaults filled in, and is sent with them', async () => {
    const { page, go } = watched()
    await go(await installEveryType())

    expect(await field(page, 'Threshold').inputValue()).toBe('0.5')
    expect(await field(page, 'Nuclei').inputValue()).toBe('0')
    expect(await field(page, 'Whole number').inputValue()).toBe('')
    expect(await outputsOf(await start(page))).toMatchObject({ number: 0.5, found: [] })
  })

  it('explains the constraints of every field to all users', async () => {
    const { page, go } = watched()
    await go(await installEveryType())
    await field(page, 'Threshold').waitFor()

    for (const [name, hint] of HINTS) {
      const row = page.locator('.field', {
        has: page.locator('label', { hasText: new RegExp(`^${name}`, 'u') }),
      })
      expect(await row.locator('.hint').first().textContent()).toBe(hint)
    }
    const described = (await field(page, 'Threshold').getAttribute('aria-describedby')) ?? ''
    expect(await page.locator(`[id="${described}"]`).textContent()).toMatch(/at least 0, less than 1$/u)
  })

  it('makes an item of each of two dropped images, and sends items of nested arrays', async () => {
    const { page, go } = watched()
    await go(await installArrays())
    const images = { 'one.png': tissuePng(40, 30), 'two.png': tissuePng(20, 50) }
    await dropFiles(page, page.getByRole('group', { name: 'Add files to Pictures' }), images)
    const pictures = page.getByRole('group', { name: 'Pictures', exact: true })
    await pictures.getByText('2 items').waitFor()
    await pictures.getByRole('application', { name: 'Preview of Pictures, item 1' }).waitFor()
    const grid = page.getByRole('group', { name: 'Grid', exact: true })
    const add = grid.getByRole('button', { name: 'Add item' })
    await add.last().click()
    await add.first().click()
    await field(page, 'Grid, item 0, item 0').fill('3')
    await add.first().click()
    await field(page, 'Grid, item 0, item 1').fill('4')
    await add.last().click()
    await grid
      .getByRole('group', { name: 'Grid, item 1', exact: true })
      .getByRole('button', { name: 'Add item' })
      .click()
    await field(page, 'Grid, item 1, item 0').fill('5')

    const run = await start(page)

    expect((await outputsOf(run)).grid).toMatchObject([
      { value: [{ value: 3 }, { value: 4 }] },
      { value: [{ value: 5 }] },
    ])
    const sizes = [images['one.png'], images['two.png']].map(({ length }) => length)
    for (const [at, size] of sizes.entries()) {
      const item = await callOk('GET', `${run}/output/pictures/indexes?value=${at}`)
      expect((await item.arrayBuffer()).byteLength).toBe(size)
    }
    const rows = page.getByRole('region', { name: 'Items of Grid (output)' }).getByRole('row')
    await rows.nth(3).waitFor()
    expect(await rows.allTextContents()).toEqual(['ItemValue', '0/03', '0/14', '1/05'])
  })
})

import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { launchBrowser, openPage, violationsOf, type WatchedPage } from './browser.ts'
import { tissuePng } from './pictures.ts'
import { createSet, installEveryType, runWith, waitForSet } from './tasks.ts'

let browser: Browser
let finished: string
let failed: string
let set: string
let refusedSet: string

beforeAll(async () => {
  browser = await launchBrowser()
  const task = await installEveryType()
  const inputs = { nuclei: 48, numbers: [1, 2, 3], outline: '{"type":"Point","coordinates":[10,20]}' }
  finished = await runWith(task, inputs, { files: { picture: tissuePng(96, 72) } })
  const failing = await installEveryType({
    namespace: 'org.example.fails',
    name: 'Fails',
    before: 'echo no; exit 1',
  })
  failed = await runWith(failing, {})
  set = await createSet(failing, [
    { whole: 1, text: 'Slide 1' },
    { whole: 2, text: 'Slide 2' },
  ])
  refusedSet = await createSet(task, [{ whole: 1000, text: 'Slide 1' }])
  await Promise.all([waitForSet(set, 'FINISHED'), waitForSet(refusedSet, 'FAILED')])
})
afterAll(() => browser.close())

const PAGES: readonly (readonly [name: string, place: () => string, shows: (page: Page) => Promise<void>])[] =
  [
    ['tasks', () => 'tasks', (page) => page.getByRole('heading', { name: 'Every type' }).first().waitFor()],
    [
      'form',
      () => 'tasks/org.example.every-type/1.0.0',
      (page) => page.getByRole('button', { name: 'Start', exact: true }).waitFor(),
    ],
    [
      'parameters',
      () => 'tasks/org.example.every-type/1.0.0?tab=parameters',
      (page) => page.getByRole('rowheader', { name: 'Whole number' }).first().waitFor(),
    ],
    [
      'descriptor',
      () => 'tasks/org.example.every-type/1.0.0?tab=descriptor',
      (page) => page.getByLabel('descriptor.yml').waitFor(),
    ],
    [
      'scan',
      () => 'tasks/org.example.every-type/1.0.0',
      (page) => page.getByText('This registry scans no images.').waitFor(),
    ],
    ['runs', () => 'runs', (page) => page.getByRole('row').nth(1).waitFor()],
    ['no runs', () => 'runs?q=nothing-like-it', (page) => page.getByText('No run matches.').waitFor()],
    ['run', () => `runs/${finished}`, (page) => page.getByText('96 × 72').waitFor()],
    ['failed run', () => `runs/${failed}`, (page) => page.getByText('What to do:').waitFor()],
    [
      'comparison',
      () => `compare?a=${finished}&b=${finished}`,
      (page) => page.getByRole('rowheader', { name: 'numbers' }).first().waitFor(),
    ],
    [
      'API',
      () => 'api?tag=tasks&operation=listTasks',
      async (page) => {
        await page.getByRole('button', { name: 'Send GET' }).click()
        await page.getByLabel('Answer', { exact: true }).waitFor()
      },
    ],
    ['run sets', () => 'sets', (page) => page.getByRole('row').nth(1).waitFor()],
    [
      'run set',
      () => `sets/${set}`,
      async (page) => {
        await page.getByRole('region', { name: 'Why runs failed' }).waitFor()
        await page.getByRole('img', { name: /^Histogram/u }).waitFor()
        await page.getByRole('table', { name: 'The latest run of each row' }).waitFor()
      },
    ],
    [
      'refused run set',
      () => `sets/${refusedSet}`,
      (page) => page.getByRole('row', { name: /1 whole/u }).waitFor(),
    ],
    [
      'form of a run set',
      () => 'tasks/org.example.every-type/1.0.0?tab=set',
      async (page) => {
        await page.getByLabel('Table', { exact: true }).fill('whole,text\n1,Slide 1')
        await page.getByText('CSV with 1 row and 2 columns.').waitFor()
      },
    ],
    ['unknown', () => 'elsewhere', (page) => page.getByText('There is no such page.').waitFor()],
  ]

const LOOKS = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['narrow', { viewport: { width: 380, height: 800 } }],
] as const

describe.each(LOOKS)('in the look %s', (_, options) => {
  let watched: WatchedPage
  beforeAll(async () => {
    watched = await openPage(browser, options)
  })
  afterAll(() => watched.close())

  it.each(PAGES)('the page %s has no accessibility violation that axe finds', async (_name, place, shows) => {
    const { page, go } = watched
    await go(place())
    await shows(page)

    expect(await violationsOf(page)).toEqual([])
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect(overflow).toBeLessThanOrEqual(0)
  })
})

describe('the first view', () => {
  it('has less than 150 KB, and loads neither the viewer nor the API document', async () => {
    const { page, go, close, requests } = await openPage(browser)
    await go('tasks')
    await page.getByRole('heading', { name: 'Every type' }).first().waitFor()

    const files = requests.filter((address) => address.includes('/ui/'))
    const bodies = await Promise.all(
      files.map(async (address) => Buffer.from(await (await fetch(address)).arrayBuffer())),
    )
    const bytes = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0)
    console.log(`the first view has ${files.length} files and ${bytes} bytes with gzip`)
    expect(bytes).toBeLessThan(150_000)
    expect(files.some((address) => /use-map|tiff|openapi|set-|sets-/u.test(address))).toBe(false)
    await close()
  })

  it('is loaded once: assets are cached, the page is revalidated', async () => {
    const address = `${inject('baseUrl')}ui/`
    const first = await fetch(address)
    const etag = first.headers.get('etag') ?? ''

    const again = await fetch(address, { headers: { 'if-none-match': etag } })

    expect([again.status, first.headers.get('cache-control')]).toEqual([304, 'no-cache'])
  })

  it('has the same bytes for any Accept header', async () => {
    const [asset = ''] =
      /assets\/[\w.-]+\.js/u.exec(await (await fetch(`${inject('baseUrl')}ui/`)).text()) ?? []
    const get = async (accept: string): Promise<string> =>
      (
        await fetch(`${inject('baseUrl')}ui/${asset}`, { headers: { accept, 'accept-encoding': 'gzip, br' } })
      ).text()

    expect(await get('image/png')).toBe(await get('*/*'))
  })
})

describe('a user with a keyboard', () => {
  it('goes from the top of the page to the form of a task', async () => {
    const { page, go, close } = await openPage(browser)
    await go('tasks')
    await page.getByRole('heading', { name: 'Every type' }).first().waitFor()

    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    const reached = (): Promise<unknown> => page.evaluate('document.activeElement.textContent')
    for (let step = 0; step < 30 && (await reached()) !== 'Every type'; step += 1)
      await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')

    await page.getByRole('button', { name: 'Start', exact: true }).waitFor()
    await close()
  })

  it('fills in the form and starts the run, without a mouse', async () => {
    const { page, go, close } = await openPage(browser)
    await go('tasks/org.example.every-type/1.0.0')
    await page.getByRole('button', { name: 'Start', exact: true }).waitFor()
    const focused = (): Promise<unknown> =>
      page.evaluate(`document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent`)
    const tabTo = async (name: string): Promise<void> => {
      for (let step = 0; step < 60 && (await focused()) !== name; step += 1) await page.keyboard.press('Tab')
      expect(await focused()).toBe(name)
    }

    await tabTo('Nuclei')
    await page.keyboard.type('2')
    await tabTo('Whole number')
    await page.keyboard.type('7')
    await tabTo('Normalise')
    await page.keyboard.press('ArrowDown')
    await tabTo('Label')
    await page.keyboard.type('By hand')
    await tabTo('Add item')
    await page.keyboard.press('Enter')
    await tabTo('Weights, item 0')
    await page.keyboard.type('0.5')
    await tabTo('Start')
    await page.keyboard.press('Enter')

    await page.waitForURL(/#\/runs\/[0-9a-f-]{36}$/u)
    await page.locator('h1').getByText('finished').waitFor({ timeout: 60_000 })
    await page.getByRole('definition').getByText('By hand').first().waitFor()
    await close()
  })

  it('shares a page by its address', async () => {
    const { page, go, close } = await openPage(browser)
    await go('runs')
    await page.getByLabel('State').selectOption({ label: 'Failed' })
    await page.waitForURL(/state=FAILED/u)
    const address = page.url()

    const other = await openPage(browser)
    await other.page.goto(address)

    expect(await other.page.getByLabel('State').inputValue()).toBe('FAILED')
    await other.close()
    await close()
  })
})

import { randomUUID } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { callOk } from '../integration/engine-client.ts'
import { dropFile, launchBrowser, openPage, violationsOf, type WatchedPage } from './browser.ts'
import { everyTypeBundle } from './every-type-task.ts'
import { tissuePng } from './pictures.ts'
import { COMPLETE_SCAN } from './scan-answers.ts'
import { createSet, installEveryType, installShell, runWith, waitForSet } from './tasks.ts'

let browser: Browser
let finished: string
let failed: string
let running: string
let set: string
let refusedSet: string
let reused: string

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
  await runWith(task, { nuclei: 2 }, { reuse: true })
  reused = await runWith(task, { nuclei: 2 }, { reuse: true })
  set = await createSet(failing, [
    { whole: 1, text: 'Slide 1' },
    { whole: 2, text: 'Slide 2' },
  ])
  refusedSet = await createSet(task, [{ whole: 1000, text: 'Slide 1' }])
  await Promise.all([waitForSet(set, 'FINISHED'), waitForSet(refusedSet, 'FAILED')])
  const text = 'i=0; while [ ! -e /outputs/go ]; do i=$((i + 1)); echo "step $i"; sleep 1; done'
  running = await runWith(await installShell(), { text }, { isLeft: true })
})
afterAll(async () => {
  await callOk('POST', `task-runs/${running}/state-actions`, { desired: 'CANCELLED' })
  await browser.close()
})

/** Answers by address; `undefined` stands for a request that is never answered. */
type Answers = Readonly<Record<string, object | undefined>>

type Situation = readonly [
  name: string,
  place: () => string,
  shows: (page: Page) => Promise<void>,
  /** Answers of the service that replace those of this stack. */
  answers?: Answers,
]

const EVERY_TYPE = 'tasks/org.example.every-type/1.0.0'

async function draw(page: Page): Promise<void> {
  await dropFile(page, page.getByRole('group', { name: 'Picture' }), 'tissue.png', tissuePng(300, 200))
  await page.getByRole('application', { name: 'Preview of Picture' }).waitFor()
  await page.getByRole('button', { name: 'Draw on the image' }).first().click()
  const map = page.getByRole('application', { name: 'Drawing of Region' })
  await page.getByText('300 × 200').nth(1).waitFor()
  const { width = 0, height = 0 } = (await map.boundingBox()) ?? {}
  await map.click({ position: { x: width * 0.4, y: height * 0.4 } })
  await map.click({ position: { x: width * 0.6, y: height * 0.4 } })
}

async function beRefused(page: Page): Promise<void> {
  const bundle = await everyTypeBundle({
    namespace: 'org.example.refused',
    outputs: '  wrong: {type: {id: integr}}\n  worse: {type: {id: boolaen}}\n',
  })
  await dropFile(page, page.getByRole('group', { name: 'Upload a task' }), 'refused.zip', bundle)
  await page.getByRole('alert').getByText('The bundle was refused.').waitFor()
}

/** Drops a bundle whose descriptor has a key without effect. */
async function upload(page: Page): Promise<void> {
  const output = '{display_name: More, description: "-", type: {id: integer, gte: 1}, optional: true}'
  const bundle = await everyTypeBundle({
    // Each look uploads a task of its own.
    namespace: `org.example.n${randomUUID().replaceAll('-', '')}`,
    outputs: `  more: ${output}\n`,
  })
  await dropFile(page, page.getByRole('group', { name: 'Upload a task' }), `${randomUUID()}.zip`, bundle)
}

async function showFindings(page: Page): Promise<void> {
  await page.getByText(`${COMPLETE_SCAN.findings.length} findings, the worst first`).click()
  await page.getByRole('link', { name: 'CVE-2026-0001' }).waitFor()
}

/** Presses a button, and waits for the dialog with its question. */
const ask =
  (button: string, question: string) =>
  async (page: Page): Promise<void> => {
    await page.getByRole('button', { name: button, exact: true }).click()
    await page.getByRole('dialog', { name: question }).waitFor()
  }

const shows =
  (text: string) =>
  (page: Page): Promise<void> =>
    page.getByText(text).first().waitFor()

const PAGES: readonly Situation[] = [
  ['tasks', () => 'tasks', (page) => page.getByRole('heading', { name: 'Every type' }).first().waitFor()],
  ['form', () => EVERY_TYPE, (page) => page.getByRole('button', { name: 'Start', exact: true }).waitFor()],
  [
    'parameters',
    () => `${EVERY_TYPE}?tab=parameters`,
    (page) => page.getByRole('rowheader', { name: 'Whole number' }).first().waitFor(),
  ],
  ['descriptor', () => `${EVERY_TYPE}?tab=descriptor`, (page) => page.getByLabel('descriptor.yml').waitFor()],
  ['image that is not scanned', () => EVERY_TYPE, shows('This registry scans no images.')],
  ['runs', () => 'runs', (page) => page.getByRole('row').nth(1).waitFor()],
  ['run', () => `runs/${finished}`, shows('96 × 72')],
  ['failed run', () => `runs/${failed}`, shows('What to do:')],
  [
    'running run with its log',
    () => `runs/${running}`,
    async (page) => {
      await page.locator('h1').getByText('running').waitFor({ timeout: 60_000 })
      await page.getByText('live', { exact: true }).waitFor()
      await page.getByLabel('Log of the task').getByText('step 1').waitFor()
    },
  ],
  [
    'comparison',
    () => `compare?a=${finished}&b=${finished}`,
    (page) => page.getByRole('rowheader', { name: 'numbers' }).first().waitFor(),
  ],
  ['comparison without runs', () => 'compare', shows('No runs are selected.')],
  ['reused run', () => `runs/${reused}`, shows('not executed; its outputs are those of run')],
  ['scan with its findings', () => EVERY_TYPE, showFindings, { [`**/v1/${EVERY_TYPE}/scan`]: COMPLETE_SCAN }],
  [
    'upload in progress',
    () => 'tasks',
    async (page) => {
      await upload(page)
      await page.getByRole('progressbar', { name: 'Sending' }).waitFor()
    },
    { [`${new URL(inject('storageUrl')).origin}/**`]: undefined },
  ],
  [
    'installed upload with warnings',
    () => 'tasks',
    async (page) => {
      await upload(page)
      await page.getByText('Its descriptor has keys without effect:').waitFor()
    },
  ],
  [
    'API',
    () => 'api?tag=tasks&operation=listTasks',
    async (page) => {
      await page.getByRole('button', { name: 'Send GET' }).click()
      await page.getByLabel('Response', { exact: true }).waitFor()
    },
  ],
  [
    'API with a form for files',
    () => 'api?tag=runs&operation=provisionInputFile',
    async (page) => {
      await page.getByRole('button', { name: 'Files', exact: true }).click()
      await page.getByLabel('location file', { exact: true }).waitFor()
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
    () => `${EVERY_TYPE}?tab=set`,
    async (page) => {
      await page.getByLabel('Table', { exact: true }).fill('whole,text\n1,Slide 1')
      await page.getByText('CSV with 1 row and 2 columns.').waitFor()
    },
  ],
  ['drawing on the picture', () => EVERY_TYPE, draw],
  [
    'form with refused values',
    () => EVERY_TYPE,
    async (page) => {
      await page.getByLabel('Whole number', { exact: true }).fill('1000')
      await page.getByRole('button', { name: 'Start', exact: true }).click()
      await page.getByText('It must be at most 100.').waitFor()
    },
  ],
  ['refused upload', () => 'tasks', beRefused],
  ['question before the deletion of a task', () => EVERY_TYPE, ask('Delete', 'Delete Every type 1.0.0?')],
  ['question before the deletion of a run', () => `runs/${finished}`, ask('Delete run', 'Delete this run?')],
  ['question before a run is cancelled', () => `runs/${running}`, ask('Cancel run', 'Cancel this run?')],
  ['question before the deletion of a set', () => `sets/${set}`, ask('Delete set', 'Delete this run set?')],
  ['address of nothing', () => 'elsewhere', shows('There is no such page.')],
  ['unknown task', () => 'tasks/org.example.none/1.0.0', shows('There is no such task.')],
  ['unknown run', () => `runs/${randomUUID()}`, shows('There is no such run.')],
  ['unknown run set', () => `sets/${randomUUID()}`, shows('There is no such run set.')],
  ['no run that matches', () => 'runs?q=nothing-like-it', shows('No run matches.')],
  ['no task', () => 'tasks', shows('There are no tasks yet.'), { '**/v1/tasks': [] }],
  ['no run', () => 'runs', shows('There are no runs yet.'), { '**/v1/task-runs?*': { content: [] } }],
  ['no run set', () => 'sets', shows('There are no run sets yet.'), { '**/v1/run-sets?*': { content: [] } }],
]

/** Presses the button for colours until they are these. */
async function choose(page: Page, theme: 'light' | 'dark'): Promise<void> {
  const button = page.getByRole('button', { name: /^Colours: / })
  await button.waitFor()
  while (!(await button.getAttribute('aria-label'))?.startsWith(`Colours: ${theme}.`)) await button.click()
}

/** The button sets the colour scheme, as the system does: with the same colours on every page. */
const BY_BUTTON = PAGES.filter(([name]) => ['form', 'failed run', 'run set'].includes(name))

const LOOKS = [
  ['light, by the system', { colorScheme: 'light' }, undefined, PAGES],
  ['dark, 360 pixels wide', { colorScheme: 'dark', viewport: { width: 360, height: 800 } }, undefined, PAGES],
  ['light, by the button', { colorScheme: 'dark' }, 'light', BY_BUTTON],
  ['dark, by the button', { colorScheme: 'light' }, 'dark', BY_BUTTON],
] as const

describe.each(LOOKS)('in the look %s', (_look, options, theme, pages) => {
  let watched: WatchedPage
  beforeAll(async () => {
    watched = await openPage(browser, options)
    await watched.go('tasks')
    if (theme !== undefined) await choose(watched.page, theme)
  })
  afterAll(() => watched.close())

  const situations = pages.map(([name, place, show, answers = {}]) => [name, place, show, answers] as const)

  it.each(situations)(
    'the page %s has no accessibility violation that axe finds',
    async (_name, place, show, answers) => {
      const { page, go } = watched
      for (const [path, json] of Object.entries(answers))
        await page.route(path, (route) => (json === undefined ? undefined : route.fulfill({ json })))
      // A new document, also after a page at the same address.
      await page.goto('about:blank')
      await go(place())
      await show(page)

      expect(await violationsOf(page)).toEqual([])
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect(overflow).toBeLessThanOrEqual(0)
      for (const path of Object.keys(answers)) await page.unroute(path)
    },
  )
})

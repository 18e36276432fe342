import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { call, callOk } from '../integration/engine-client.ts'
import { dropFile, launchBrowser, openPage } from './browser.ts'
import { everyTypeBundle } from './every-type-task.ts'
import { installEveryType, runWith, waitForSet } from './tasks.ts'

/** Would run a script, and be an element, if a page interpreted it as HTML. */
const IMAGE = '<img src=x onerror=alert(1)>'

let browser: Browser
let task: string
let finished: string
let failed: string
let set: string
let refusedSet: string

beforeAll(async () => {
  browser = await launchBrowser()
  const text = JSON.stringify(IMAGE)
  task = await installEveryType({
    namespace: 'org.example.hostile',
    name: 'Hostile',
    description: `${IMAGE}<script>alert(2)</script>`,
    author: IMAGE,
    before: [
      `printf '${IMAGE}\\n\\033[31mred\\033[0m \\033]0;title\\007 \\033[2Jgone\\n'`,
      `if [ "$(cat /inputs/text)" = fail ]; then echo '${IMAGE}' > /outputs/odd; fi`,
    ].join('\n'),
    outputs: `  odd: {display_name: ${text}, description: ${text}, type: integer, optional: true}\n`,
  })
  finished = await runWith(task, { text: IMAGE })
  failed = await runWith(task, { text: 'fail' })
  set = await createSet([{ text: 'fail', whole: 1 }])
  refusedSet = await createSet([{ text: 'one', whole: 1, [IMAGE]: 2 }])
  const webhook = { url: `https://example.org/?name=${IMAGE}`, types: ['run.failed'] }
  const answer = await call('POST', 'webhooks', webhook)
  expect(answer.status).toBe(201)
  await Promise.all([waitForSet(set, 'FINISHED'), waitForSet(refusedSet, 'FAILED')])
})
afterAll(() => browser.close())

async function createSet(rows: readonly Record<string, string | number>[]): Promise<string> {
  const [, namespace = '', version = ''] = task.split('/')
  const answer = await call('POST', 'run-sets', {
    name: IMAGE,
    task: { namespace, version },
    rows: [...rows],
  })
  return ((await answer.json()) as { readonly id: string }).id
}

/** The text is visible, and no element was made of it. */
async function isShownAsText(page: Page, text = IMAGE): Promise<void> {
  await page.locator('main').getByText(text).first().waitFor()
  expect(await page.locator('img[src="x"], [onerror], main script').count()).toBe(0)
}

const PLACES: readonly (readonly [what: string, place: () => string])[] = [
  ['description of a task in the list', () => 'tasks'],
  ['description of a task', () => task],
  ['display name of a parameter', () => `${task}?tab=parameters`],
  ['descriptor', () => `${task}?tab=descriptor`],
  ['value and log of a run', () => `runs/${finished}`],
  ['reason of a failed run', () => `runs/${failed}`],
  ['reason in the list of runs', () => 'runs?q=hostile&state=FAILED'],
  ['comparison of two runs', () => `compare?a=${finished}&b=${failed}`],
  ['name of a set in the list', () => 'sets'],
  ['name and failures of a set', () => `sets/${set}`],
  ['name and problems of a refused set', () => `sets/${refusedSet}`],
  ['address of a task', () => `tasks/${encodeURIComponent(IMAGE)}/1`],
]

describe('an untrusted text', () => {
  it.each(PLACES)('is shown as text: %s', async (_, place) => {
    const { page, go, close } = await openPage(browser)
    await go(place())
    await isShownAsText(page)
    await close()
  })

  it('is shown as text in the log, with control sequences removed or visible', async () => {
    const { page, go, close } = await openPage(browser)
    await go(`runs/${finished}`)
    const log = page.getByLabel('Log of the task')
    await log.getByText('red').waitFor()

    expect(await log.textContent()).toContain(`${IMAGE}\nred `)
    expect(await log.textContent()).toContain('␛[2Jgone')
    await isShownAsText(page)
    await close()
  })

  it('is shown as text in the names of an author and an organization', async () => {
    const { page, go, close } = await openPage(browser)
    await go(task)
    await page.getByText(`${IMAGE} Engine (${IMAGE})`, { exact: true }).waitFor()
    await isShownAsText(page)
    await close()
  })

  it('is shown as text in the groups of failures and in the problems of a table', async () => {
    const { page, go, close } = await openPage(browser)
    await go(`sets/${set}`)
    await page.getByRole('region', { name: 'Why runs failed' }).getByText(IMAGE).waitFor()
    await isShownAsText(page)
    await go(`sets/${refusedSet}`)
    await page.getByRole('cell', { name: IMAGE, exact: true }).waitFor()
    await isShownAsText(page)
    await close()
  })

  it('is shown as text when a file or a table has it as its name', async () => {
    const { page, go, close } = await openPage(browser)
    await go(task)
    await dropFile(page, page.getByRole('group', { name: 'Model' }), `${IMAGE}.bin`, Buffer.from('weights'))
    await isShownAsText(page, `${IMAGE}.bin`)
    await go(`${task}?tab=set`)
    await page.getByLabel('Table', { exact: true }).fill(`text,${IMAGE}\n${IMAGE},1`)
    await page.getByText(`The task has no input “${IMAGE}”.`).waitFor()
    await isShownAsText(page)
    const table = Buffer.from('text,whole\none,1\n')
    await page.getByLabel('Table', { exact: true }).fill('')
    await dropFile(page, page.getByRole('group', { name: 'File with the table' }), `${IMAGE}.csv`, table)
    await isShownAsText(page, `${IMAGE}.csv`)
    await go('tasks')
    const bundle = await everyTypeBundle({ namespace: IMAGE })
    await dropFile(page, page.getByRole('group', { name: 'Upload a task' }), `${IMAGE}.zip`, bundle)
    await isShownAsText(page, `${IMAGE}.zip`)
    await page.getByRole('alert').getByText('The bundle was refused.').waitFor()
    await isShownAsText(page, `${IMAGE}.zip`)
    await close()
  })

  it('is shown as text in the answer of a call: the address of a webhook', async () => {
    const { page, go, close } = await openPage(browser)
    await go('api?tag=webhooks&operation=listWebhooks')
    await page.getByRole('button', { name: 'Send GET' }).click()
    const answer = page.getByLabel('Response', { exact: true })
    await answer.getByText('onerror').waitFor()
    expect(await page.locator('img[src="x"], [onerror]').count()).toBe(0)
    await close()
  })
})

describe('the Content Security Policy of the console', () => {
  it('allows scripts and styles from files only, and is sent with each asset too', async () => {
    const address = `${inject('baseUrl')}ui/`
    const page = await fetch(address)
    const [asset = ''] = /assets\/[\w.-]+\.js/u.exec(await page.clone().text()) ?? []
    for (const answer of [page, await fetch(`${address}${asset}`)]) {
      const policy = answer.headers.get('content-security-policy') ?? ''
      const rules = new Map(policy.split('; ').map((rule) => [rule.split(' ')[0], rule]))
      expect(rules.get('default-src')).toBe("default-src 'none'")
      expect(rules.get('script-src')).toBe("script-src 'self'")
      expect(rules.get('style-src')).toBe("style-src 'self'")
      expect(rules.get('require-trusted-types-for')).toBe("require-trusted-types-for 'script'")
      expect(policy).not.toMatch(/unsafe|\*/u)
    }
    await callOk('GET', 'ui/config.json')
  })

  it('prevents a text from being interpreted as HTML, and every test reports such a violation', async () => {
    const { page, go, close } = await openPage(browser)
    await go('tasks')
    await page.getByRole('heading', { name: 'Tasks' }).waitFor()

    await expect(page.evaluate(`document.body.innerHTML = ${JSON.stringify(IMAGE)}`)).rejects.toThrow(
      /TrustedHTML/u,
    )
    await page.evaluate(
      `document.body.append(Object.assign(document.createElement('img'), { src: 'http://192.0.2.1/x' }))`,
    )

    await expect(close()).rejects.toThrow(/Content Security Policy/u)
  })
})

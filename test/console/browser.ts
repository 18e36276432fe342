import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import axe from 'axe-core'
import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
  type Request,
} from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject } from 'vitest'

/* Browser for tests of the console. Every page is monitored for requests to other hosts, violations of its CSP, and errors. */

/** Debian's package chromium, installed by .ci/run. */
const CHROMIUM = '/usr/bin/chromium'

/** Starts the browser, without its sandbox, which does not work for root in containers. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

/** A page of the console that is monitored for violations. */
export interface WatchedPage {
  readonly page: Page
  readonly console: string
  /** Opens a page of the console by its address after `#/`. */
  go(place: string): Promise<void>
  /** Addresses of all requests so far. */
  readonly requests: string[]
  /** Open streams of events. */
  readonly streams: ReadonlySet<Request>
  /** Closes the page. Fails if it caused a violation. */
  close(): Promise<void>
}

/** Opens an empty page. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions & { readonly base?: string } = {},
): Promise<WatchedPage> {
  const { base = inject('baseUrl'), ...rest } = options
  // Tests open further tabs in the context, which `browser.newPage` would not allow.
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...rest })
  const page = await context.newPage()
  const hosts = new Set([new URL(base).origin, new URL(inject('storageUrl')).origin])
  const misdeeds: string[] = []
  const requests: string[] = []
  const streams = new Set<Request>()
  page.on('requestfinished', (request) => streams.delete(request))
  page.on('requestfailed', (request) => streams.delete(request))
  page.on('request', (request) => {
    requests.push(request.url())
    const { origin, pathname, protocol } = new URL(request.url())
    if (pathname.endsWith('/events')) streams.add(request)
    if (/^https?:$/u.test(protocol) && !hosts.has(origin)) misdeeds.push(`request to ${origin}`)
  })
  page.on('pageerror', (error) => misdeeds.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (/Content Security Policy|TrustedScript/u.test(message.text())) misdeeds.push(message.text())
  })
  page.on('dialog', (dialog) => {
    misdeeds.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  const console = `${base}ui/`
  return {
    page,
    console,
    requests,
    streams,
    go: async (place) => {
      await page.goto(`${console}#/${place}`)
    },
    close: async () => {
      await context.close()
      expect(misdeeds, misdeeds.join('\n')).toEqual([])
    },
  }
}

/** Starts a browser for the tests of a file, and opens a page for each. @returns the page of the current test */
export function pageOfEachTest(): () => WatchedPage {
  let browser: Browser
  let watched: WatchedPage
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())
  beforeEach(async () => {
    watched = await openPage(browser)
  })
  afterEach(() => watched.close())
  return () => watched
}

/** Hides or shows a tab, as when the user chooses another one: the pages of a browser without windows are never hidden. */
export async function setHidden(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate(`(() => {
    Object.defineProperty(document, 'hidden', { configurable: true, value: ${isHidden} })
    document.dispatchEvent(new Event('visibilitychange'))
  })()`)
}

/** Folders with the files that were dropped on a page. */
const folders = new WeakMap<Page, Promise<string>>()

/** Drops a file on an element, as from the desktop. A second drop of a name drops the same unchanged file. */
export function dropFile(page: Page, target: Locator, name: string, content: Buffer): Promise<void> {
  return dropFiles(page, target, { [name]: content })
}

/** Drops several files at once, see {@link dropFile}. */
export async function dropFiles(
  page: Page,
  target: Locator,
  contents: Readonly<Record<string, Buffer>>,
): Promise<void> {
  const folder = await folderOf(page)
  const files: string[] = []
  for (const [name, content] of Object.entries(contents)) {
    const file = join(folder, name)
    files.push(file)
    // A new file would have another modification time, by which browsers distinguish files.
    await writeFile(file, content, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
  await target.scrollIntoViewIfNeeded()
  const box = await target.boundingBox()
  if (box === null) throw new Error('the element is not visible')
  const data = { items: [], files, dragOperationsMask: 1 }
  const debug = await page.context().newCDPSession(page)
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await debug.send('Input.dispatchDragEvent', { type, x: box.x + 10, y: box.y + 10, data })
  await debug.detach()
}

function folderOf(page: Page): Promise<string> {
  const known = folders.get(page) ?? mkdtemp(join(tmpdir(), 'dropped-'))
  if (!folders.has(page))
    page.once('close', () => void known.then((folder) => rm(folder, { recursive: true, force: true })))
  folders.set(page, known)
  return known
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
  }[]
}

/** Violations that axe finds on the page, one per line. */
export async function violationsOf(page: Page): Promise<string[]> {
  // Injected by the debugging protocol, to which the page's CSP does not apply.
  await page.evaluate(axe.source)
  const { violations } = (await page.evaluate('axe.run()')) as AxeResult
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
}

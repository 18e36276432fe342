import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core'
import { expect, inject } from 'vitest'

/* Browser for tests of the console. Every page is monitored for requests to other hosts, violations of its policy, and errors. */

/** Debian's package chromium, installed by .ci/run. */
const CHROMIUM = '/usr/bin/chromium'

/** Starts the browser without its sandbox, which does not work for root in containers. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

/** A page of the console, with the violations that it caused. */
export interface WatchedPage {
  readonly page: Page
  readonly console: string
  /** Opens a page of the console by its address after `#/`. */
  go(place: string): Promise<void>
  /** Addresses of all requests so far. */
  readonly requests: string[]
  /** Closes the page. Fails if it caused a violation. */
  close(): Promise<void>
}

/** Opens an empty page. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions & { readonly base?: string } = {},
): Promise<WatchedPage> {
  const { base = inject('baseUrl'), ...context } = options
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...context })
  const hosts = new Set([new URL(base).origin, new URL(inject('storageUrl')).origin])
  const misdeeds: string[] = []
  const requests: string[] = []
  page.on('request', (request) => {
    requests.push(request.url())
    const { origin, protocol } = new URL(request.url())
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
    go: async (place) => {
      await page.goto(`${console}#/${place}`)
    },
    close: async () => {
      await page.close()
      expect(misdeeds).toEqual([])
    },
  }
}

/** Drops a file on an element, as from the desktop. */
export async function dropFile(page: Page, target: Locator, name: string, content: Buffer): Promise<void> {
  // Code for pages is a string here, because this program does not have the DOM's types.
  const transfer = await page.evaluateHandle(`(() => {
    const bytes = Uint8Array.from(atob(${JSON.stringify(content.toString('base64'))}), (letter) => letter.codePointAt(0))
    const made = new DataTransfer()
    made.items.add(new File([bytes], ${JSON.stringify(name)}))
    return made
  })()`)
  await target.dispatchEvent('drop', { dataTransfer: transfer })
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
  }[]
}

/** Violations that axe finds on the page, one per line. */
export async function violationsOf(page: Page): Promise<string[]> {
  // By the debugger's protocol, to which the page's policy does not apply.
  await page.evaluate(axe.source)
  const { violations } = (await page.evaluate('axe.run()')) as AxeResult
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
}

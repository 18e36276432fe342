import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core'
import { expect, inject } from 'vitest'

/*
 * A browser at the console. Whatever its page must never do is watched on every page: other hosts, breaches of its policy, errors.
 */

/** Debian's package chromium, installed by .ci/run. */
const CHROMIUM = '/usr/bin/chromium'

/** Starts the browser; tests run as root in containers, where its own sandbox does not work. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

/** A page of the console, and what it did that it must not. */
export interface WatchedPage {
  readonly page: Page
  readonly console: string
  /** Goes to a page of the console, by the part of its address behind `#/`. */
  go(place: string): Promise<void>
  /** Bytes of all answers that came so far, as gzip would send them. */
  readonly requests: string[]
  /** Fails when the page did what it must not; closes it. */
  close(): Promise<void>
}

/** Opens a page, without visiting anything yet. */
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
  // Code of pages is text here: this program has no types of browsers.
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

/** What axe finds wrong with the page, one line each. */
export async function violationsOf(page: Page): Promise<string[]> {
  // By the debugger's protocol, which the page's policy does not bind.
  await page.evaluate(axe.source)
  const { violations } = (await page.evaluate('axe.run()')) as AxeResult
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
}

import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { launchBrowser, openPage } from './browser.ts'
import { installEveryType } from './tasks.ts'

let browser: Browser

beforeAll(async () => {
  browser = await launchBrowser()
  await installEveryType()
})
afterAll(() => browser.close())

describe('the first view', () => {
  it('transfers less than 150 kB, without the viewer and the API document', async () => {
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

  it('is not transferred again while it is unchanged', async () => {
    const address = `${inject('baseUrl')}ui/`
    const first = await fetch(address)
    const etag = first.headers.get('etag') ?? ''

    const again = await fetch(address, { headers: { 'if-none-match': etag } })

    expect([again.status, first.headers.get('cache-control')]).toEqual([304, 'no-cache'])
  })

  it('loads the same assets with any Accept header', async () => {
    const [asset = ''] =
      /assets\/[\w.-]+\.js/u.exec(await (await fetch(`${inject('baseUrl')}ui/`)).text()) ?? []
    const get = async (accept: string): Promise<string> =>
      (
        await fetch(`${inject('baseUrl')}ui/${asset}`, { headers: { accept, 'accept-encoding': 'gzip, br' } })
      ).text()

    expect(await get('image/png')).toBe(await get('*/*'))
  })
})

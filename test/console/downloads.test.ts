import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openZip } from '../../src/archive/zip/read-zip.ts'
import { bufferSource } from '../../src/shared/byte-source.ts'
import { readAll } from '../../src/shared/read-all.ts'
import { launchBrowser, openPage } from './browser.ts'
import { tissuePng } from './pictures.ts'
import { installEveryType, runWith } from './tasks.ts'

let browser: Browser
let run: string
/** Bytes that the task copies to its outputs. */
const files = { document: randomBytes(300_000), picture: tissuePng(90, 60) }

beforeAll(async () => {
  browser = await launchBrowser()
  run = await runWith(await installEveryType(), { nuclei: 2, text: 'Zellkerne µ\n' }, { files })
})
afterAll(() => browser.close())

/** Bytes of what a link leads to. */
async function bytesOf(page: Page, link: Locator): Promise<Buffer> {
  const begun = page.waitForEvent('download')
  await link.click()
  return readFile(await (await begun).path())
}

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

describe('a download', () => {
  it.each(['Model', 'Picture'] as const)('of a file has the bytes that the task wrote: %s', async (name) => {
    const { page, go, close } = await openPage(browser)
    await go(`runs/${run}`)
    const outputs = page.getByRole('region', { name: 'Outputs' })

    const bytes = await bytesOf(page, outputs.getByRole('link', { name: `Download ${name}` }))

    expect(digestOf(bytes)).toBe(digestOf(name === 'Model' ? files.document : files.picture))
    await close()
  })

  it('of all outputs has the bytes of each', async () => {
    const { page, go, close } = await openPage(browser)
    await go(`runs/${run}`)
    const outputs = page.getByRole('region', { name: 'Outputs' })

    const zip = await openZip(
      bufferSource(await bytesOf(page, outputs.getByRole('link', { name: 'All as zip' }))),
    )

    const digests = new Map<string, string>()
    for (const entry of zip.entries) digests.set(entry.name, digestOf(await readAll(zip.read(entry))))
    expect(digests.get('document')).toBe(digestOf(files.document))
    expect(digests.get('picture')).toBe(digestOf(files.picture))
    expect(digests.get('text')).toBe(digestOf(Buffer.from('Zellkerne µ\n')))
    await close()
  })
})

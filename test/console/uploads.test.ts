import type { Page, Request } from 'playwright-core'
import { describe, expect, inject, it } from 'vitest'
import { callOk } from '../integration/engine-client.ts'
import { dropFile, pageOfEachTest } from './browser.ts'
import { everyTypeBundle } from './every-type-task.ts'

const watched = pageOfEachTest()

const MIB = 1024 * 1024
const STORAGE = `${new URL(inject('storageUrl')).origin}/**`

const drop = (page: Page, name: string, bundle: Buffer): Promise<void> =>
  dropFile(page, page.getByRole('group', { name: 'Upload a task' }), name, bundle)

const installed = (page: Page): Promise<void> => page.getByRole('status').getByText('Installed').waitFor()

/** Number of the part that a request sends to the object store; undefined for other requests. */
function partOf(request: Request): number | undefined {
  const number = new URL(request.url()).searchParams.get('partNumber')
  return request.method() === 'PUT' && number !== null ? Number(number) : undefined
}

/** Limits the speed of all uploads of the page. */
async function limitUploads(page: Page, bytesPerSecond: number): Promise<void> {
  const debug = await page.context().newCDPSession(page)
  await debug.send('Network.enable')
  const limits = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytesPerSecond }
  await debug.send('Network.emulateNetworkConditions', limits)
}

/** Records all values of the progress bars from now on, in `seen`. */
function recordProgress(page: Page): Promise<unknown> {
  return page.evaluate(`(() => {
    globalThis.seen = []
    const record = () => {
      for (const bar of document.querySelectorAll('progress[aria-label="Sending"]')) seen.push(bar.value)
    }
    new MutationObserver(record).observe(document.body, { subtree: true, childList: true, attributes: true })
  })()`)
}

describe('the upload of a bundle', () => {
  it('moves the progress bar forward while a part is being sent', async () => {
    const { page, go } = watched()
    const bundle = await everyTypeBundle({
      namespace: 'org.example.moving',
      name: 'Moving',
      ballastBytes: 6 * MIB,
    })
    await go('tasks')
    await page.getByRole('heading', { name: 'Tasks' }).waitFor()
    await limitUploads(page, 4 * MIB)
    await recordProgress(page)
    const parts: number[] = []
    page.on('request', (request) => parts.push(...[partOf(request) ?? []].flat()))

    await drop(page, 'moving.zip', bundle)
    await installed(page)

    const seen = (await page.evaluate('seen')) as readonly number[]
    const values = [...new Set(seen)]
    console.log(`progress of one part: ${values.join(' ')} %`)
    expect(parts).toEqual([1])
    // There are several values besides the first and the last, in ascending order.
    expect(values.filter((value) => value > 0 && value < 100).length).toBeGreaterThanOrEqual(4)
    expect(seen).toEqual(seen.toSorted((one, other) => one - other))
  })

  it('is resumed after a reload of the page when the same file is dropped: only the missing part is sent', async () => {
    const { page, go } = watched()
    const bundle = await everyTypeBundle({
      namespace: 'org.example.reloaded',
      name: 'Reloaded',
      ballastBytes: 34 * MIB,
    })
    await go('tasks')
    const uploads = new Set<string>()
    const sent: number[] = []
    page.on('request', (request) => {
      const id = /uploads\/([0-9a-f-]{36})/u.exec(request.url())?.[1]
      if (id !== undefined) uploads.add(id)
      sent.push(...[partOf(request) ?? []].flat())
    })
    // The second part does not arrive.
    await page.route(STORAGE, (route) => (partOf(route.request()) === 2 ? undefined : route.continue()))
    await drop(page, 'reloaded.zip', bundle)
    const arrived = async (): Promise<readonly number[]> => {
      const [id] = uploads
      if (id === undefined) return []
      const { parts } = (await (await callOk('GET', `uploads/${id}/parts`)).json()) as {
        readonly parts: readonly { readonly partNumber: number }[]
      }
      return parts.map(({ partNumber }) => partNumber)
    }
    await expect.poll(arrived, { timeout: 60_000 }).toEqual([1, 3])
    await expect.poll(() => sent.toSorted()).toEqual([1, 2, 3])

    await page.reload()
    await page.unroute(STORAGE)
    sent.length = 0
    await page.getByRole('heading', { name: 'Tasks' }).waitFor()
    await drop(page, 'reloaded.zip', bundle)

    await installed(page)
    expect(sent).toEqual([2])
    expect(uploads.size).toBe(1)
    await page.getByRole('heading', { name: 'Reloaded 1.0.0' }).waitFor()
  })

  it('shows the warnings about an installed bundle, with line and column', async () => {
    const { page, go } = watched()
    const output = '{display_name: More, description: "-", type: {id: integer, gte: 1}, optional: true}'
    const bundle = await everyTypeBundle({
      namespace: 'org.example.cautioned',
      name: 'Cautioned',
      outputs: `  more: ${output}\n`,
    })
    await go('tasks')

    await drop(page, 'cautioned.zip', bundle)
    await installed(page)

    const warnings = page.getByRole('status').getByRole('listitem')
    expect(await warnings.count()).toBe(1)
    expect(await warnings.textContent()).toMatch(/^line \d+, column \d+ .*gte/u)
    await page.getByRole('heading', { name: 'Cautioned 1.0.0' }).waitFor()
  })
})

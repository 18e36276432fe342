import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { launchBrowser, openPage } from './browser.ts'
import { tissueBigTiff, tissuePng, tissueTiff } from './pictures.ts'
import { installEveryType, runWith } from './tasks.ts'

let browser: Browser
let task: string

beforeAll(async () => {
  browser = await launchBrowser()
  task = await installEveryType()
})
afterAll(() => browser.close())

/**
 * Bounds of `npm run bench:console`, for an idle machine with two processors. The test suite prints the measurements and fails only if
 * the page has frozen, because other load makes it several times slower.
 */
const BOUNDS = process.env.BENCH ? { paintMs: 2000, frames: 20 } : { paintMs: 20_000, frames: 2 }

const viewer = (page: Page) => page.getByRole('application', { name: 'Geometries over the image' })

type Pair = readonly [number, number]

/** Position on the map of a position in an image; the whole image is shown, at least 8 pixels from the edges of the map. */
async function placeOf(page: Page, [x, y]: Pair, [width, height]: Pair) {
  const box = await viewer(page).boundingBox()
  if (box === null) throw new Error('there is no map')
  const scale = Math.min((box.width - 16) / width, (box.height - 16) / height)
  return {
    box,
    position: {
      x: box.width / 2 + (x - width / 2) * scale,
      y: box.height / 2 + (y - height / 2) * scale,
    },
  }
}

/** Clicks on a position in the image. */
async function clickOn(page: Page, at: Pair, size: Pair): Promise<void> {
  const { position } = await placeOf(page, at, size)
  await viewer(page).click({ position })
}

/** Screenshot of the surroundings of a position in the image: a PNG in base64. */
async function pixelsAt(page: Page, at: Pair, size: Pair): Promise<string> {
  const { box, position } = await placeOf(page, at, size)
  const clip = { x: box.x + position.x - 20, y: box.y + position.y - 20, width: 40, height: 40 }
  return (await page.screenshot({ clip })).toString('base64')
}

describe('the outputs of a run', () => {
  it('can be selected in the table and in the image', async () => {
    const { page, go, close } = await openPage(browser)
    const id = await runWith(task, { nuclei: 48 }, { files: { picture: tissuePng(96, 72) } })
    await go(`runs/${id}`)
    await page.getByText('96 × 72').waitFor()

    // The nucleus in row 3 and column 4 of 6 rows and 8 columns.
    await clickOn(page, [54, 42], [96, 72])
    const chosen = page.locator('.virtual tr.chosen')
    await chosen.waitFor()
    expect(await chosen.locator('td').first().textContent()).toBe('28')
    const before = await pixelsAt(page, [66, 42], [96, 72])
    await page.getByLabel('Nuclei', { exact: true }).press('ArrowDown')

    await expect.poll(() => chosen.locator('td').first().textContent()).toBe('29')
    await expect.poll(() => pixelsAt(page, [66, 42], [96, 72])).not.toBe(before)
    await close()
  })

  it('have the geometries of the inputs over the image on demand', async () => {
    const { page, go, close } = await openPage(browser)
    const outline = {
      type: 'Polygon',
      coordinates: [
        [
          [20, 10],
          [70, 10],
          [70, 30],
          [20, 10],
        ],
      ],
    }
    const inputs = { outline: JSON.stringify(outline) }
    const id = await runWith(task, inputs, { files: { picture: tissuePng(96, 72) } })
    await go(`runs/${id}`)
    const region = page.getByRole('region', { name: 'Inputs', exact: true })
    await region.getByRole('button', { name: 'Show geometries over the image' }).click()

    const map = region.getByRole('application', { name: 'Geometries over the image' })
    await region.getByText('96 × 72').waitFor()
    await expect.poll(() => middleOf(map)).toSatisfy(isTissue)
    const label = region.getByLabel('Region (1 geometry)')
    expect(await label.isChecked()).toBe(true)
    // The map is redrawn some time after the box is ticked.
    const changesPicture = async (): Promise<boolean> => {
      await label.check()
      const outlined = await map.screenshot()
      await label.uncheck()
      return !outlined.equals(await map.screenshot())
    }
    await expect.poll(changesPicture).toBe(true)
    expect(await region.getByRole('row').nth(1).getByRole('cell').allTextContents()).toEqual([
      '–',
      'area',
      '500 px²',
      '20, 10',
      'GeoJSON',
    ])
    await close()
  })

  it('are drawn over a tiled BigTIFF, of which only parts are read', async () => {
    const { page, go, close } = await openPage(browser)
    const slide = tissueBigTiff(3000, 2000)
    let received = 0
    let ranges = 0
    let wholes = 0
    page.on('response', (answer) => {
      if (answer.status() === 206) {
        ranges += 1
        received += Number(answer.headers()['content-length'] ?? 0)
      } else if (
        answer.ok() &&
        answer.url().startsWith(inject('storageUrl')) &&
        /image\/tiff|octet-stream/u.test(answer.headers()['content-type'] ?? '')
      )
        wholes += 1
    })
    const id = await runWith(task, { nuclei: 12 }, { files: { slide } })
    await go(`runs/${id}`)

    await page.getByText('3000 × 2000').waitFor()
    await expect.poll(() => received).toBeGreaterThan(10_000)

    expect(received).toBeLessThan(slide.length / 2)
    const before = ranges
    // One range for the header, then ranges of tiles; adjacent tiles may share a range.
    expect(before).toBeGreaterThan(2)
    for (let step = 0; step < 3; step += 1)
      await page.getByRole('button', { name: 'Zoom in' }).first().click()
    await expect.poll(() => ranges).toBeGreaterThan(before)
    console.log(`a BigTIFF of ${slide.length} bytes: ${ranges} ranges, ${received} bytes`)
    expect(wholes).toBe(0)
    await close()
  })

  it('include a JPEG and a plain TIFF, which are shown', async () => {
    const { page, go, close } = await openPage(browser)
    await go('tasks')
    const files = { picture: await tissueJpeg(page, 120, 80), slide: tissueTiff(90, 60) }
    const id = await runWith(task, {}, { files })
    await go(`runs/${id}`)

    const outputs = page.getByRole('region', { name: 'Outputs' })
    for (const [name, size] of [
      ['Picture', '120 × 80'],
      ['Slide', '90 × 60'],
    ] as const) {
      // The button of the next image: those of shown images have another name.
      await outputs.getByRole('button', { name: 'Show picture' }).first().click()
      const preview = outputs.getByRole('application', { name: `Picture of ${name}` })
      await preview.waitFor()
      await outputs.getByText(size).first().waitFor()
      await expect.poll(() => middleOf(preview)).toSatisfy(isTissue)
    }
    await close()
  })

  it('may be 100 000 outlines, which can be panned without freezing the page', async () => {
    const id = await runWith(task, { nuclei: 100_000 }, { files: { picture: tissuePng(600, 400) } })
    const { paintMs, frames } = await measure(id)

    console.log(`100 000 outlines: painted after ${paintMs} ms, ${frames} frames/s drawn`)
    expect(paintMs).toBeLessThan(BOUNDS.paintMs)
    expect(frames).toBeGreaterThanOrEqual(BOUNDS.frames)
  })
})

/** A JPEG in a colour of tissue, encoded by the browser. */
async function tissueJpeg(page: Page, width: number, height: number): Promise<Buffer> {
  const encoded = await page.evaluate(`(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: ${width}, height: ${height} })
    const context = canvas.getContext('2d')
    context.fillStyle = 'rgb(232 188 214)'
    context.fillRect(0, 0, ${width}, ${height})
    return canvas.toDataURL('image/jpeg')
  })()`)
  return Buffer.from(String(encoded).split(',')[1] ?? '', 'base64')
}

/** The pixel in the middle of the canvas. */
async function middleOf(preview: Locator): Promise<readonly number[]> {
  const pixels = await preview
    .locator('canvas')
    .first()
    .evaluate((canvas: DrawnCanvas) => [
      ...canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data,
    ])
  return pixels
}

/** The members of a canvas that are used here, because the tests are compiled without types of the DOM. */
interface DrawnCanvas {
  readonly width: number
  readonly height: number
  getContext(kind: '2d'): {
    getImageData(x: number, y: number, width: number, height: number): { readonly data: Iterable<number> }
  }
}

/** Whether a pixel is pink or violet. */
function isTissue([red = 0, green = 0, blue = 0, alpha = 0]: readonly number[]): boolean {
  return alpha === 255 && red > green + 20 && blue > green + 10
}

async function measure(id: string): Promise<{ paintMs: number; frames: number }> {
  const { page, go, close } = await openPage(browser)
  await go('runs')
  await page.getByRole('row').nth(1).waitFor()
  await page.evaluate(`performance.mark('click'); location.hash = '#/runs/${id}'`)
  const paintMs = Number(
    await page.evaluate(`(async () => {
      const painted = () => performance.getEntriesByName('shapes 100000')[0]
      while (painted() === undefined) await new Promise((resolve) => setTimeout(resolve, 20))
      const [click] = performance.getEntriesByName('click')
      return Math.round(painted().startTime + painted().duration - click.startTime)
    })()`),
  )
  const box = await viewer(page).boundingBox()
  if (box === null) throw new Error('there is no map')
  await page.mouse.move(box.x + 100, box.y + 100)
  await page.mouse.down()
  const frames = await framesOf(page, async () => {
    for (let step = 0; step < 60; step += 1) await page.mouse.move(box.x + 100 + 3 * step, box.y + 100 + step)
  })
  await page.mouse.up()
  await close()
  return { paintMs, frames }
}

/**
 * Frames a second that the compositor drew during an action, by Chromium's trace. It draws none when no pixel has changed, other than
 * `requestAnimationFrame`, which is called all the same.
 */
async function framesOf(page: Page, act: () => Promise<void>): Promise<number> {
  await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline.frame'] })
  const begun = performance.now()
  await act()
  const seconds = (performance.now() - begun) / 1000
  const trace = JSON.parse((await browser.stopTracing()).toString()) as {
    readonly traceEvents: readonly { readonly name: string }[]
  }
  return Math.round(trace.traceEvents.filter(({ name }) => name === 'DrawFrame').length / seconds)
}

import { describe, expect, inject, it } from 'vitest'
import { callOk, outputsOf, waitForState } from '../integration/engine-client.ts'
import { dropFile, pageOfEachTest } from './browser.ts'
import { everyTypeBundle } from './every-type-task.ts'
import { tissuePng } from './pictures.ts'
import { installEveryType, runWith } from './tasks.ts'

const watched = pageOfEachTest()

const POINT = { type: 'Point', coordinates: [3, 4] }
const idOf = (address: string): string => address.split('/').at(-1) ?? ''

describe('a user of the console', () => {
  it('uploads a task by dropping its bundle', async () => {
    const { page, go } = watched()
    const bundle = await everyTypeBundle({ namespace: 'org.example.dropped', name: 'Dropped' })
    await go('tasks')

    await dropFile(page, page.getByRole('group', { name: 'Upload a task' }), 'dropped.zip', bundle)

    await page.getByRole('status').getByText('Installed').waitFor()
    await page.getByRole('heading', { name: 'Dropped 1.0.0' }).waitFor()
  })

  it('resumes an interrupted upload', async () => {
    const { page, go, requests } = watched()
    const bundle = await everyTypeBundle({ namespace: 'org.example.resumed', name: 'Resumed' })
    await go('tasks')
    const storage = `${new URL(inject('storageUrl')).origin}/**`
    await page.route(storage, (route) => route.abort())

    await dropFile(page, page.getByRole('group', { name: 'Upload a task' }), 'resumed.zip', bundle)
    await page.getByText('The upload was interrupted.').waitFor({ timeout: 60_000 })
    await page.unroute(storage)
    await page.getByRole('button', { name: 'Resume' }).click()

    await page.getByRole('status').getByText('Installed').waitFor()
    const uploads = new Set(
      requests.flatMap((address) => /uploads\/([0-9a-f-]{36})/u.exec(address)?.[1] ?? []),
    )
    expect(uploads.size).toBe(1)
  })

  it('sees all problems of a refused bundle, with line and column', async () => {
    const { page, go } = watched()
    const bundle = await everyTypeBundle({
      namespace: 'org.example.refused',
      outputs: '  wrong: {type: {id: integr}}\n  worse: {type: {id: boolaen}}\n',
    })
    await go('tasks')

    await dropFile(page, page.getByRole('group', { name: 'Upload a task' }), 'refused.zip', bundle)

    const problem = page.getByRole('alert')
    await problem.getByText('The bundle was refused.').waitFor()
    const words = (await problem.textContent()) ?? ''
    for (const name of ['wrong', 'worse']) expect(words).toContain(`outputs.${name}`)
    expect(words.match(/line \d+, column \d+/gu)?.length).toBeGreaterThanOrEqual(2)
  })

  it('sees warnings about a bundle, with line and column', async () => {
    const { page, go } = watched()
    const bundle = await everyTypeBundle({
      namespace: 'org.example.warned',
      outputs:
        '  more: {display_name: More, description: "-", type: {id: integer, gte: 1}, optional: true}\n',
    })
    await go('tasks')

    await dropFile(page, page.getByRole('group', { name: 'Upload a task' }), 'warned.zip', bundle)

    await page.getByText(/line \d+, column \d+/u).waitFor()
  })

  it('fills in a form of every type, draws a region, and sees all values in the outputs', async () => {
    const { page, go } = watched()
    await installEveryType()
    await go('tasks/org.example.every-type/1.0.0')
    const field = (name: string) => page.getByLabel(name, { exact: true })

    await dropFile(page, page.getByRole('group', { name: 'Picture' }), 'tissue.png', tissuePng(300, 200))
    await page.getByRole('application', { name: 'Preview of Picture' }).waitFor()
    await page.getByRole('button', { name: 'Draw on the image' }).first().click()
    const map = page.getByRole('application', { name: 'Drawing of Region' })
    await page.getByText('300 × 200').nth(1).waitFor()
    const box = await map.boundingBox()
    if (box === null) throw new Error('there is no map')
    for (const [x, y] of [
      [0.4, 0.4],
      [0.6, 0.4],
      [0.5, 0.6],
      [0.4, 0.4],
    ] as const)
      await map.click({ position: { x: box.width * x, y: box.height * y } })
    await expect.poll(() => field('Region').inputValue()).toContain('"Polygon"')
    const drawn = JSON.parse(await field('Region').inputValue()) as { coordinates: number[][][] }
    // The first two corners are above the middle of the picture, the third is below: y is counted from the bottom.
    expect(drawn.coordinates[0]?.map(([, y = 0]) => y > 100)).toEqual([true, true, false, true])
    await field('Nuclei').fill('20')
    await field('Whole number').fill('7')
    await field('Threshold').fill('0.25')
    await field('Normalise').selectOption('true')
    await field('Label').fill('Slide 7')
    await field('Stain').selectOption('H&E')
    await field('Taken at').fill('2026-11-29T18:00:00')
    await page.getByRole('button', { name: 'Paste CSV or JSON' }).first().click()
    await field('Items of Weights as CSV or JSON').fill('0.5, 1.5\n2.5')
    await page.getByRole('button', { name: 'Use 3 items' }).click()
    await page.getByRole('button', { name: 'Remove item 1 of Weights' }).click()
    await dropFile(page, page.getByRole('group', { name: 'Model' }), 'model.bin', Buffer.from('weights'))
    const regions = page.getByRole('group', { name: 'Regions' })
    await regions.getByRole('button', { name: 'Paste CSV or JSON' }).click()
    await field('Items of Regions as CSV or JSON').fill(JSON.stringify([POINT]))
    await regions.getByRole('button', { name: 'Use 1 item' }).click()
    await page.getByRole('button', { name: 'Start', exact: true }).click()

    await page.waitForURL(/#\/runs\/[0-9a-f-]{36}$/u)
    await page.locator('h1').getByText('finished').waitFor({ timeout: 60_000 })
    const outputs = await outputsOf(`task-runs/${idOf(page.url())}`)
    expect(outputs).toMatchObject({ whole: 7, number: 0.25, yes: true, text: 'Slide 7', choice: 'H&E' })
    expect(outputs.numbers).toMatchObject([{ value: 0.5 }, { value: 2.5 }])
    expect(Date.parse(String(outputs.time))).toBe(Date.parse('2026-11-29T18:00:00'))
    expect(JSON.stringify(outputs.outlines)).toContain('Point')
    const model = await callOk('GET', `task-runs/${idOf(page.url())}/output/document`)
    expect(await model.text()).toBe('weights')
    expect(outputs.found).toHaveLength(20)
    await page.getByText('found 20 nuclei').waitFor()
    await page.getByText('20 geometries', { exact: false }).first().waitFor()
  })

  it('sees the problem of a value at its field', async () => {
    const { page, go } = watched()
    await installEveryType()
    await go('tasks/org.example.every-type/1.0.0')

    await page.getByLabel('Whole number', { exact: true }).fill('1000')
    await page.getByRole('button', { name: 'Start', exact: true }).click()

    await page.getByText('It must be at most 100.').waitFor()
    await page.getByText('This input needs a value.').waitFor()
    expect(await page.getByLabel('Whole number', { exact: true }).getAttribute('aria-invalid')).toBe('true')
  })

  it('watches the states and the log of a run, and cancels it', async () => {
    const { page, go } = watched()
    const task = await installEveryType({
      namespace: 'org.example.slow',
      name: 'Slow',
      before: 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "step $i"; sleep 2; done',
    })
    const id = await runWith(task, {}, { isLeft: true })
    await go(`runs/${id}`)

    await page.locator('h1').getByText('running').waitFor({ timeout: 60_000 })
    await page.getByLabel('Log of the task').getByText('step 1').waitFor()
    await page.getByLabel('Log of the task').getByText('step 3').waitFor()
    await page.getByRole('button', { name: 'Cancel run' }).click()
    await page.getByRole('dialog').getByText('The container is stopped').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel run' }).click()

    await page.locator('h1').getByText('failed').waitFor({ timeout: 60_000 })
    await page.getByText('The run was cancelled.').waitFor()
  })

  it('downloads the outputs of a run, runs it again, compares both runs, and deletes one', async () => {
    const { page, go } = watched()
    const task = await installEveryType()
    const first = await runWith(task, { nuclei: 3, number: 0.25 })
    await go(`runs/${first}`)

    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'All as zip' }).first().click()
    expect((await download).suggestedFilename()).toContain('.zip')
    await page.getByRole('button', { name: 'Run again' }).click()
    await page.waitForURL((address) => !address.href.endsWith(first))
    const second = idOf(page.url())
    await waitForState(`task-runs/${second}`, 'final')

    await go('runs?q=every-type')
    for (const id of [first, second]) await page.getByLabel(`Compare run ${id.slice(0, 8)}`).check()
    await page.getByRole('link', { name: 'Compare' }).click()
    await page.getByRole('rowheader', { name: 'number', exact: true }).first().waitFor()

    await go(`runs/${second}`)
    await page.getByRole('button', { name: 'Delete run' }).click()
    await page.getByRole('button', { name: 'Keep it' }).click()
    expect((await callOk('GET', `task-runs/${second}`)).status).toBe(200)
    await page.getByRole('button', { name: 'Delete run' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete run' }).click()
    await page.waitForURL(/#\/runs$/u)
    await expect.poll(() => page.getByText(second.slice(0, 8)).count()).toBe(0)
  })
})

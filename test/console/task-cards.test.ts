import { DescribeRepositoriesCommand, ECRClient } from '@aws-sdk/client-ecr'
import type { Locator, Page } from 'playwright-core'
import { describe, expect, inject, it } from 'vitest'
import { formatBytes, formatTime } from '../../console/src/ui/format.ts'
import { call, callOk } from '../integration/engine-client.ts'
import { pageOfEachTest } from './browser.ts'
import { tissuePng } from './pictures.ts'
import { createRun, installEveryType, installShell, runWith } from './tasks.ts'

const watched = pageOfEachTest()

const cardOf = (page: Page, name: string): Locator =>
  page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: `${name} 1.0.0` }) })

/** Width and height of the file of a picture. */
function pixelsOf(image: Locator): Promise<unknown> {
  return image.evaluate((element) =>
    ['naturalWidth', 'naturalHeight'].map((name) => Reflect.get(element, name)),
  )
}

/** Sum of the sizes of a task's layers, from the image's manifest in the registry. */
async function layerBytes(namespace: string): Promise<number> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const ecr = new ECRClient({ region: 'us-east-1', credentials, endpoint: inject('ecrUrl') })
  const { repositories = [] } = await ecr.send(new DescribeRepositoriesCommand({}))
  const named = repositories.find(({ repositoryName }) => repositoryName?.includes(namespace))
  const manifest = await fetch(
    new URL(`/v2/${named?.repositoryName}/manifests/1.0.0`, inject('storageUrl')),
    { headers: { accept: 'application/vnd.oci.image.manifest.v1+json' } },
  )
  const { layers } = (await manifest.json()) as { readonly layers: readonly { readonly size: number }[] }
  return layers.reduce((sum, { size }) => sum + size, 0)
}

describe('the card of a task', () => {
  it('shows the logo of the bundle, or else the initials of the name', async () => {
    const { page, go } = watched()
    await installEveryType({ namespace: 'org.example.logo', name: 'With logo', logo: tissuePng(40, 30) })
    await installEveryType({ namespace: 'org.example.letters', name: 'Plain letters' })
    await go('tasks')

    await expect.poll(() => pixelsOf(cardOf(page, 'With logo').locator('img'))).toEqual([40, 30])
    const letters = cardOf(page, 'Plain letters')
    await letters.getByText('PL', { exact: true }).waitFor()
    expect(await letters.locator('img').count()).toBe(0)
  })

  it('shows the size of the layers that a machine pulls', async () => {
    const { page, go } = watched()
    await installEveryType({ namespace: 'org.example.sized', name: 'Sized', ballastBytes: 300_000 })
    const bytes = await layerBytes('org-example-sized')
    expect(bytes).toBeGreaterThan(300_000)
    await go('tasks')

    await cardOf(page, 'Sized').scrollIntoViewIfNeeded()
    await cardOf(page, 'Sized')
      .getByText(`Image of ${formatBytes(bytes)}`, { exact: true })
      .waitFor()
  })

  it('shows the last five runs of the task with their states, newest first', async () => {
    const { page, go } = watched()
    const task = await installEveryType({
      namespace: 'org.example.lasting',
      name: 'Lasting',
      before: 'if [ "$(cat /inputs/text)" = fail ]; then exit 1; fi',
    })
    await go('tasks')
    await cardOf(page, 'Lasting').scrollIntoViewIfNeeded()
    await cardOf(page, 'Lasting').getByText('No runs yet').waitFor()

    const ids = [await runWith(task, {}), await runWith(task, { text: 'fail' }), await runWith(task, {})]
    ids.push(await createRun(task, {}), await runWith(task, { text: 'fail' }), await createRun(task, {}))
    await page.reload()
    // Cards load their runs when they come into view.
    await cardOf(page, 'Lasting').scrollIntoViewIfNeeded()

    const shown = ids.toReversed().slice(0, 5)
    const states = ['provisioned', 'failed', 'provisioned', 'finished', 'failed']
    const links = cardOf(page, 'Lasting').getByRole('link', { name: /^Run /u })
    const labels = async () => Promise.all((await links.all()).map((link) => link.getAttribute('aria-label')))
    await expect.poll(labels).toEqual(shown.map((id, at) => `Run ${id.slice(0, 8)}: ${states[at]}`))
    const { createdAt } = (await (await callOk('GET', `task-runs/${ids.at(-1)}`)).json()) as {
      createdAt: string
    }
    await cardOf(page, 'Lasting')
      .getByText(`last ${formatTime(new Date(createdAt))}`)
      .waitFor()
    await links.nth(1).click()
    await page.waitForURL(`**/#/runs/${shown[1]}`)
  })

  it('says which of its facts cannot be shown when the service does not answer', async () => {
    const { page, go } = watched()
    await installEveryType({ namespace: 'org.example.silent', name: 'Silent' })
    await page.route('**/placement', (route) => route.abort())
    await page.route(/\/task-runs\?taskId=/u, (route) => route.abort())
    await go('tasks')

    await cardOf(page, 'Silent').scrollIntoViewIfNeeded()

    await cardOf(page, 'Silent').getByText('The size of the image cannot be shown.').waitFor()
    await cardOf(page, 'Silent').getByText('The latest runs cannot be shown.').waitFor()
    expect(await cardOf(page, 'Silent').getByText('No runs yet').count()).toBe(0)
  })
})

describe('the deletion of a task', () => {
  it('needs a confirmation, which Keep it and Escape refuse, and includes the runs', async () => {
    const { page, go } = watched()
    const task = await installShell('org.example.unwanted')
    const run = await runWith(task, { text: 'true' })
    await go(task)
    const dialog = page.getByRole('dialog', { name: 'Delete Shell 1.0.0?' })
    const consequence = dialog.getByText(
      'all of its runs with their inputs and outputs are deleted permanently',
    )
    const ask = async (): Promise<void> => {
      await page.getByRole('button', { name: 'Delete', exact: true }).click()
      await consequence.waitFor()
    }

    await ask()
    await dialog.getByRole('button', { name: 'Keep it' }).click()
    await dialog.waitFor({ state: 'hidden' })
    await ask()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    expect((await call('GET', task)).status).toBe(200)
    await ask()
    await dialog.getByRole('button', { name: 'Delete task' }).click()

    await page.waitForURL(/#\/tasks$/u)
    expect((await call('GET', task)).status).toBe(404)
    expect((await call('GET', `task-runs/${run}`)).status).toBe(404)
    await page.getByRole('heading', { name: 'Tasks' }).waitFor()
    await expect.poll(() => page.getByText('org.example.unwanted').count()).toBe(0)
  })
})

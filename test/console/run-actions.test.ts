import { beforeAll, describe, expect, it } from 'vitest'
import { call, callOk } from '../integration/engine-client.ts'
import { pageOfEachTest, setHidden } from './browser.ts'
import { createSet, installShell, runWith } from './tasks.ts'

const watched = pageOfEachTest()
let task: string

beforeAll(async () => {
  task = await installShell()
})

describe('the actions on the page of a run', () => {
  it('never delete a run that ended while the user was asked about its cancellation', async () => {
    const { page, go } = watched()
    const id = await runWith(task, { text: 'true' })
    const address = `**/v1/task-runs/${id}`
    // The page does not know yet that the run has ended.
    await page.route(address, async (route) => {
      const json = (await (await route.fetch()).json()) as Record<string, unknown>
      await route.fulfill({ json: { ...json, state: 'RUNNING' } })
    })
    await go(`runs/${id}`)
    await page.getByRole('button', { name: 'Cancel run' }).click()
    const dialog = page.getByRole('dialog', { name: 'Cancel this run?' })
    await dialog.waitFor()
    await page.unroute(address)
    await setHidden(page, true)
    await setHidden(page, false)
    await page.locator('h1').getByText('finished').waitFor()

    await dialog.getByRole('button', { name: 'Cancel run' }).click()

    await dialog.getByRole('alert').getByText('a run that has ended cannot be cancelled').waitFor()
    expect((await call('GET', `task-runs/${id}`)).status).toBe(200)
    await dialog.getByRole('button', { name: 'Keep it' }).click()
    await page.getByRole('button', { name: 'Delete run' }).click()
    await page.getByRole('dialog', { name: 'Delete this run?' }).waitFor()
  })

  it('ask again if a user chooses an action again right after its dialog was closed', async () => {
    const { page, go } = watched()
    await go(`runs/${await runWith(task, { text: 'true' })}`)
    await page.getByRole('button', { name: 'Delete run' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete this run?' })
    await dialog.waitFor()

    // Clicks of Playwright would leave the browser time for the event of the first one.
    await page.evaluate(`(async () => {
      const button = (name) => [...document.querySelectorAll('button')].find((one) => one.textContent.trim() === name)
      button('Keep it').click()
      button('Delete run').click()
      for (let frames = 0; frames < 5; frames += 1) await new Promise(requestAnimationFrame)
    })()`)

    expect(await dialog.isVisible()).toBe(true)
  })

  it('do not include the start of a run that waits for its set', async () => {
    const { page, go } = watched()
    const wait = { text: 'while [ ! -e /outputs/go ]; do sleep 0.2; done', whole: 1 }
    const set = await createSet(task, [wait, wait], 1)
    const waiting = async (): Promise<string | undefined> => {
      const list = await (await callOk('GET', `run-sets/${set}/runs?state=PROVISIONED`)).json()
      return (list as { readonly content: readonly { readonly runId: string }[] }).content.at(-1)?.runId
    }
    await expect.poll(waiting, { timeout: 60_000 }).toBeDefined()

    await go(`runs/${await waiting()}`)

    await page.locator('h1').getByText('provisioned').waitFor()
    await page.getByRole('button', { name: 'Delete run' }).waitFor()
    expect(await page.getByRole('button', { name: 'Start', exact: true }).count()).toBe(0)
    await callOk('POST', `run-sets/${set}/cancel`)
  })

  it('include the start of any other run with its inputs', async () => {
    const { page, go } = watched()
    const { id } = (await (await callOk('POST', `${task}/runs`)).json()) as { readonly id: string }
    const values = [
      { parameterName: 'whole', value: 7 },
      { parameterName: 'text', value: 'true' },
    ]
    await callOk('PUT', `task-runs/${id}/input-provisions`, values)
    await go(`runs/${id}`)

    await page.getByRole('button', { name: 'Start', exact: true }).click()

    await page.locator('h1').getByText('finished').waitFor({ timeout: 60_000 })
  })
})

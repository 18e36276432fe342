import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { JsonValue } from '../../src/contract/json.ts'
import { callOk, outputsOf, waitForState } from '../integration/engine-client.ts'
import { pageOfEachTest } from './browser.ts'
import { installEveryType } from './tasks.ts'

const watched = pageOfEachTest()
let task: string

beforeAll(async () => {
  task = await installEveryType()
})

interface Trial {
  readonly tag: string
  readonly operation: string
  /** Values of the variables of the path. */
  readonly path: Readonly<Record<string, string>>
  readonly body?: JsonValue
}

/** Fills in the form of an operation and sends it. @returns status and body of the response that the page shows */
async function send(page: Page, { tag, operation, path, body }: Trial) {
  await page.goto(`${page.url().replace(/#.*/u, '')}#/api?tag=${tag}&operation=${operation}`)
  for (const [name, value] of Object.entries(path))
    await page.getByLabel(`${name} path`, { exact: true }).fill(value)
  if (body !== undefined) await page.getByLabel('Body', { exact: true }).fill(JSON.stringify(body))
  await page.getByRole('button', { name: /^Send P/u }).click()
  const response = page.getByLabel('Response', { exact: true })
  await response.waitFor()
  const shown = page.getByRole('status').filter({ has: response })
  const status = Number(await shown.locator('code').first().textContent())
  return { status, body: JSON.parse((await response.textContent()) ?? '') as { readonly id: string } }
}

describe('the page of the API', () => {
  it('calls operations with variables of the path and a body: creates a run, sets inputs, starts it', async () => {
    const { page, go } = watched()
    const [, namespace = '', version = ''] = task.split('/')
    await go('api')

    const created = await send(page, {
      tag: 'tasks',
      operation: 'createRunByName',
      path: { namespace, version },
    })
    expect(created.status).toBe(200)
    const { id } = created.body
    const values = [
      { parameterName: 'whole', value: 7 },
      { parameterName: 'text', value: 'By the page' },
    ]
    const stored = await send(page, { tag: 'runs', operation: 'provisionInputs', path: { id }, body: values })
    expect(stored.status).toBe(200)
    expect(stored.body).toMatchObject(values)
    const body = { desired: 'RUNNING' }
    const started = await send(page, { tag: 'runs', operation: 'changeRunState', path: { id }, body })

    expect(started.status).toBe(200)
    await waitForState(`task-runs/${id}`, 'final')
    expect(await outputsOf(`task-runs/${id}`)).toMatchObject({ whole: 7, text: 'By the page' })
    await callOk('DELETE', `task-runs/${id}`)
  })

  it('shows a refusal like any other response', async () => {
    const { page, go } = watched()
    const id = '01234567-89ab-4def-8123-456789abcdef'
    await go('api')

    const body = { desired: 'RUNNING' }
    const refused = await send(page, { tag: 'runs', operation: 'changeRunState', path: { id }, body })

    expect(refused.status).toBe(404)
    expect(refused.body).toHaveProperty('errorCode')
  })
})

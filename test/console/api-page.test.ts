import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { JsonValue } from '../../src/contract/json.ts'
import { callOk, outputsOf, waitForState } from '../integration/engine-client.ts'
import { pageOfEachTest } from './browser.ts'
import { tissuePng } from './pictures.ts'
import { createRun, installEveryType } from './tasks.ts'

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
  /** File of a part of a form; `isChoice`: the operation takes JSON too. */
  readonly file?: { readonly part: string; readonly content: Buffer; readonly isChoice?: boolean }
}

const responseOn = (page: Page) => page.getByLabel('Response', { exact: true })

/** Fills in the form of an operation and sends it. @returns status and body of the response that the page shows */
async function send(page: Page, { tag, operation, path, body, file }: Trial) {
  await page.goto(`${page.url().replace(/#.*/u, '')}#/api?tag=${tag}&operation=${operation}`)
  for (const [name, value] of Object.entries(path))
    await page.getByLabel(`${name} path`, { exact: true }).fill(value)
  if (body !== undefined) await page.getByLabel('Body', { exact: true }).fill(JSON.stringify(body))
  if (file !== undefined) {
    if (file.isChoice) await page.getByRole('button', { name: 'Files', exact: true }).click()
    const chosen = { name: 'chosen', mimeType: 'application/octet-stream', buffer: file.content }
    await page.getByLabel(`${file.part} file`, { exact: true }).setInputFiles(chosen)
  }
  await page.getByRole('button', { name: /^Send P/u }).click()
  const response = responseOn(page)
  await response.waitFor()
  const shown = page.getByRole('status').filter({ has: response })
  const status = Number(await shown.locator('code').first().textContent())
  return { status, body: JSON.parse((await response.textContent()) ?? '') as { readonly id: string } }
}

const UNKNOWN = '01234567-89ab-4def-8123-456789abcdef'

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
    await go('api')

    const body = { desired: 'RUNNING' }
    const refused = await send(page, {
      tag: 'runs',
      operation: 'changeRunState',
      path: { id: UNKNOWN },
      body,
    })

    expect(refused.status).toBe(404)
    expect(refused.body).toHaveProperty('errorCode')
  })

  it('sends a file as a form: the value of an input', async () => {
    const { page, go } = watched()
    const id = await createRun(task, {})
    const content = tissuePng(40, 30)
    await go('api')

    const path = { id, parameter: 'picture' }
    const stored = await send(page, {
      tag: 'runs',
      operation: 'provisionInputFile',
      path,
      file: { part: 'file', content, isChoice: true },
    })

    expect(stored.status).toBe(200)
    const kept = await callOk('GET', `task-runs/${id}/input/picture`)
    expect(Buffer.from(await kept.arrayBuffer()).equals(content)).toBe(true)
    await callOk('DELETE', `task-runs/${id}`)
  })

  it('has a form with a file for an operation that takes no JSON', async () => {
    const { page, go } = watched()
    await go('api')

    const refused = await send(page, {
      tag: 'stager',
      operation: 'postOutputs',
      path: { id: UNKNOWN, secret: 'none' },
      file: { part: 'outputs', content: Buffer.from('no zip') },
    })

    expect(refused.status).toBe(404)
    expect(refused.body).toHaveProperty('errorCode')
  })
})

describe('a stream of events on the page of the API', () => {
  const STREAM = 'api?tag=runs&operation=streamEvents'

  it('is shown as its events arrive, until Stop ends it', async () => {
    const { page, go, streams } = watched()
    const id = await createRun(task, {})
    await go(STREAM)
    await page.getByLabel('run query', { exact: true }).fill(id)
    await page.getByRole('button', { name: 'Send GET' }).click()
    const text = () => responseOn(page).textContent()

    await expect.poll(text).toMatch(new RegExp(`event: run\nid: .+\ndata: .*"id":"${id}"`, 'u'))
    await callOk('DELETE', `task-runs/${id}`)
    await expect.poll(text).toContain(`event: removed\n`)
    expect(streams.size).toBe(1)
    await page.getByRole('button', { name: 'Stop', exact: true }).click()

    await expect.poll(() => streams.size).toBe(0)
    expect(await page.getByRole('button', { name: 'Stop', exact: true }).count()).toBe(0)
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Send GET')
    expect(await text()).toContain('event: removed\n')
  })

  it('ends when another call is sent, and when the page is left', async () => {
    const { page, go, streams, requests } = watched()
    await go(STREAM)
    const sent = () => requests.filter((address) => address.endsWith('/events')).length
    await page.getByRole('button', { name: 'Send GET' }).click()
    await responseOn(page).waitFor()
    expect(streams.size).toBe(1)

    await page.getByRole('button', { name: 'Send GET' }).click()
    await expect.poll(sent).toBe(2)
    await expect.poll(() => streams.size).toBe(1)
    await responseOn(page).waitFor()
    await go('tasks')

    await page.getByRole('heading', { name: 'Tasks' }).waitFor()
    await expect.poll(() => streams.size).toBe(0)
  })

  it('has only its newest 20 000 characters shown', async () => {
    const { page, go } = watched()
    const events = Array.from({ length: 3000 }, (_, at) => `data: ${at}\n\n`).join('')
    await page.route('**/v1/events', (route) =>
      route.fulfill({ contentType: 'text/event-stream', body: events }),
    )
    await go(STREAM)

    await page.getByRole('button', { name: 'Send GET' }).click()

    await expect.poll(() => responseOn(page).textContent()).toBe(`…${events.slice(-20_000)}`)
    await expect.poll(() => page.getByRole('button', { name: 'Stop', exact: true }).count()).toBe(0)
  })
})

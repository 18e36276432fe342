import { randomBytes, randomUUID } from 'node:crypto'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROUTE_LIST } from '../../lambdas/api/route-table.ts'
import { type LocalStack, startTemporaryStack } from '../../local/stack.ts'
import { readStackSettings } from '../../local/stack-settings.ts'
import { createProgress } from '../../src/shared/progress.ts'
import { checkAnswer, openApiDocument } from '../fixtures/answer-checker.ts'
import { launchBrowser, openPage } from './browser.ts'
import { exampleBundle } from './tasks.ts'

let stack: LocalStack & AsyncDisposable
let browser: Browser

beforeAll(async () => {
  stack = await startTemporaryStack({
    instance: `test-${randomBytes(4).toString('hex')}`,
    progress: createProgress(process.stdout),
    settings: readStackSettings({ CONSOLE: 'read-only' }),
  })
  const form = new FormData()
  form.append('task', new Blob([new Uint8Array(await exampleBundle())]), 'bundle.zip')
  const uploaded = await fetch(new URL('tasks', stack.baseUrl), { method: 'POST', body: form })
  expect(uploaded.status).toBe(200)
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser.close()
  await stack[Symbol.asyncDispose]()
})

/** Every operation of the OpenAPI document that changes something. */
const CHANGES = Object.entries(openApiDocument.paths).flatMap(([path, operations]) =>
  Object.entries(operations)
    .filter(([method]) => ['post', 'put', 'patch', 'delete'].includes(method))
    .map(([method, { operationId, tags }]) => ({
      method: method.toUpperCase(),
      path: path.slice(1).replace(/\{\w+\}/gu, randomUUID()),
      operationId,
      tag: tags[0] ?? '',
    })),
)

describe('the console of a read-only stage', () => {
  it('shows tasks without controls that change them', async () => {
    const { page, go, close } = await openPage(browser, { base: stack.baseUrl })
    await go('tasks')
    await page.getByText('read-only', { exact: true }).waitFor()
    expect(await page.getByRole('group', { name: 'Upload a task' }).count()).toBe(0)

    await page.getByRole('link', { name: 'Add and echo' }).click()
    await page.getByRole('rowheader', { name: 'First number' }).waitFor()

    expect(await page.getByRole('button', { name: /Start|Delete/u }).count()).toBe(0)
    await go('api?tag=tasks&operation=deleteTask')
    await page.getByText('This console is read-only').waitFor()
    expect(await page.getByRole('button', { name: /^Send/u }).count()).toBe(0)
    await close()
  })

  it('does not ask the reader of an empty list to start a task', async () => {
    const { page, go, close } = await openPage(browser, { base: stack.baseUrl })
    await page.route('**/v1/task-runs?*', (route) => route.fulfill({ json: { content: [] } }))
    await go('runs')

    await page.getByText('There are no runs yet.').waitFor()
    await page.getByText('Users with write access to this installation can start tasks.').waitFor()
    expect(await page.getByText('and start it').count()).toBe(0)
    await close()
  })

  it('shows run sets without controls that start, retry, cancel or delete them', async () => {
    const { page, go, close } = await openPage(browser, { base: stack.baseUrl })
    const rows = [{ a: 1, b: 2, text: 'one' }]
    const task = { namespace: 'org.example.add-and-echo', version: '1.0.0' }
    const created = await fetch(new URL('run-sets', stack.baseUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Of another client', task, rows }),
    })
    expect(created.status).toBe(201)

    await go('tasks/org.example.add-and-echo/1.0.0?tab=set')
    await page.getByRole('rowheader', { name: 'First number' }).waitFor()
    expect(await page.getByRole('button', { name: 'Start a run set' }).count()).toBe(0)
    await go('sets')
    await page.getByRole('link', { name: 'Of another client' }).click()
    await page.getByRole('link', { name: 'Row 1' }).waitFor()

    expect(await page.getByRole('button', { name: /Retry|Cancel|Delete/u }).count()).toBe(0)
    await page.getByRole('link', { name: 'Row 1' }).click()
    await page.getByRole('region', { name: 'Timeline' }).waitFor()
    expect(await page.getByRole('button', { name: /Start|again|Cancel|Delete/u }).count()).toBe(0)
    await close()
  })

  it('has no form to try an operation that changes something, and one for each that reads', async () => {
    const { page, go, close } = await openPage(browser, { base: stack.baseUrl })
    expect(CHANGES).toHaveLength(ROUTE_LIST.filter(({ method }) => method !== 'GET').length)
    await go('api?tag=tasks&operation=listTasks')
    await page.getByRole('button', { name: 'Send GET' }).waitFor()

    for (const { operationId, tag } of CHANGES) {
      await go(`api?tag=${tag}&operation=${operationId}`)
      const open = page.getByRole('listitem').filter({ has: page.getByRole('button', { expanded: true }) })
      await open.getByText('This console is read-only: operations that change something').waitFor()
      expect(await page.getByRole('button', { name: /^Send/u }).count(), operationId).toBe(0)
    }
    await close()
  })

  it('is refused every operation that changes something, with the error of the contract', async () => {
    const { page, go, close } = await openPage(browser, { base: stack.baseUrl })
    await go('tasks')
    await page.getByRole('heading', { name: 'Tasks' }).waitFor()
    const calls = CHANGES.map(({ method, path }) => ({ method, address: new URL(path, stack.baseUrl).href }))

    const answers = await page.evaluate(
      (all) =>
        Promise.all(
          all.map(async ({ method, address }) => {
            const answer = await fetch(address, { method })
            return { method, address, status: answer.status, body: await answer.text() }
          }),
        ),
      calls,
    )

    const message =
      'the console of this stage is read-only: its setting console allows no changes from a web page'
    for (const { method, address, status, body } of answers) {
      const headers = { 'content-type': 'application/json' }
      await checkAnswer(method, address, new Response(body, { status, headers }))
      expect(status, `${method} ${address}`).toBe(403)
      expect(JSON.parse(body)).toMatchObject({ errorCode: 'APPE-internal-server-error', message })
    }
    expect(answers).toHaveLength(CHANGES.length)
    await close()
  })

  it('does not restrict changes by other clients', async () => {
    const answer = await fetch(new URL('tasks/org.example.add-and-echo/1.0.0/runs', stack.baseUrl), {
      method: 'POST',
    })

    expect(answer.status).toBe(200)
  })
})

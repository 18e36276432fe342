import { randomBytes } from 'node:crypto'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProgress } from '../../cli/progress.ts'
import { ROUTE_LIST } from '../../lambdas/api/route-table.ts'
import { type LocalStack, startTemporaryStack } from '../../local/stack.ts'
import { readStackSettings } from '../../local/stack-settings.ts'
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

const CHANGES = ROUTE_LIST.filter(({ method }) => method !== 'GET')

describe('the console of a read-only stage', () => {
  it('shows tasks, and no control that changes one', async () => {
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

  it('shows run sets, and nothing that starts, retries, cancels or deletes one', async () => {
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

  it('cannot change anything by a script either', async () => {
    const { page, go, close } = await openPage(browser, { base: stack.baseUrl })
    await go('tasks')
    await page.getByRole('heading', { name: 'Tasks' }).waitFor()
    const routes = CHANGES.map(({ method, path }) => ({ method, path: `..${path.replace(/:\w+/gu, 'x')}` }))

    const statuses = await page.evaluate(
      (all) => Promise.all(all.map(async ({ method, path }) => (await fetch(path, { method })).status)),
      routes,
    )

    expect(statuses).toEqual(routes.map(() => 403))
    await close()
  })

  it('rejects changes by pages only, not by other clients', async () => {
    const answer = await fetch(new URL('tasks/org.example.add-and-echo/1.0.0/runs', stack.baseUrl), {
      method: 'POST',
    })

    expect(answer.status).toBe(200)
  })
})

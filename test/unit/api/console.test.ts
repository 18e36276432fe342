import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../../lambdas/api/app.ts'
import type { ConsoleFile, ConsoleFiles } from '../../../lambdas/api/console/console-files.ts'
import { ROUTE_LIST } from '../../../lambdas/api/route-table.ts'
import { CONSOLE_HEADER, type ConsoleMode } from '../../../src/contract/console.ts'
import { SERVICE_VERSION } from '../../../src/contract/service-version.ts'
import { anEngine } from '../../fixtures/engine.ts'

const BASE = '/app-engine/v1'

const file = (text: string, contentType: string): ConsoleFile => ({ text, contentType, etag: `"${text}"` })
const FILES: ConsoleFiles = {
  page: () => file('page', 'text/html; charset=utf-8'),
  asset: (name) => (name === 'a-1.js' ? file('script', 'text/javascript; charset=utf-8') : undefined),
}

/** Sends requests to an API whose console has this mode. */
async function anApi(mode: ConsoleMode) {
  const app = createApp({ ...(await anEngine()), console: { mode, files: FILES } })
  return (path: string, init: RequestInit = {}) => app.request(`http://engine.test${BASE}${path}`, init)
}

const CHANGES = ROUTE_LIST.filter(({ method }) => method !== 'GET')
const pathOf = (path: string): string => path.replace(/:\w+/gu, 'x')

describe('the console', () => {
  it.each(['/ui', '/ui/', '/ui/config.json', '/ui/assets/a-1.js'])(
    'is absent at %s when it is off',
    async (path) => {
      const call = await anApi('off')

      const answer = await call(path)

      expect(answer.status).toBe(404)
      expect(await answer.json()).toMatchObject({ message: 'no such path' })
    },
  )

  it('serves the page with a policy that allows no inline script and no frame', async () => {
    const call = await anApi('full')

    const { headers, status } = await call('/ui/')

    const policy = headers.get('content-security-policy') ?? ''
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(headers.get('cache-control')).toBe('no-cache')
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe|\*/u)
  })

  it('sends the policy of the page with assets, because a worker obeys the policy of its script', async () => {
    const call = await anApi('full')

    const [page, asset] = [await call('/ui/'), await call('/ui/assets/a-1.js')]

    const names = ['content-security-policy', 'referrer-policy', 'x-frame-options', 'x-content-type-options']
    expect(asset.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(names.map((name) => asset.headers.get(name))).toEqual(names.map((name) => page.headers.get(name)))
  })

  it('lets browsers cache assets forever, and the page until it changes', async () => {
    const call = await anApi('full')

    const asset = await call('/ui/assets/a-1.js')
    const again = await call('/ui/', { headers: { 'if-none-match': '"page"' } })
    const compressed = await call('/ui/', { headers: { 'if-none-match': 'W/"page"' } })

    expect(asset.headers.get('cache-control')).toContain('immutable')
    expect(await asset.text()).toBe('script')
    expect([again.status, await again.text()]).toEqual([304, ''])
    expect(compressed.status).toBe(304)
  })

  it.each(['/ui/assets/b.js', '/ui/assets/..%2Findex.html', '/ui/assets/'])(
    'answers 404 for %s',
    async (path) => {
      const call = await anApi('full')

      expect((await call(path)).status).toBe(404)
    },
  )

  it('redirects /ui to ui/', async () => {
    const call = await anApi('full')

    const { headers, status } = await call('/ui')

    expect([status, headers.get('location')]).toEqual([308, 'ui/'])
  })

  it('allows GET and HEAD only', async () => {
    const call = await anApi('full')

    const answer = await call('/ui/', { method: 'POST' })

    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  it('returns its mode and the version of package.json', async () => {
    const call = await anApi('read-only')
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

    expect(await (await call('/ui/config.json')).json()).toEqual({
      mode: 'read-only',
      version,
      currency: 'USD',
      reusesOutputs: false,
    })
    expect(SERVICE_VERSION).toBe(version)
  })
})

describe('a read-only console', () => {
  it.each(CHANGES)('refuses $method $path from a page', async ({ method, path }) => {
    const call = await anApi('read-only')
    const sent = [
      { origin: 'http://engine.test', host: 'engine.test' },
      { 'sec-fetch-site': 'same-origin' },
      { [CONSOLE_HEADER]: 'page' },
    ]

    for (const headers of sent) {
      const answer = await call(pathOf(path), { method, headers })
      expect(answer.status).toBe(403)
      expect(await answer.text()).toContain('the console of this stage is read-only')
    }
  })

  it.each(CHANGES)('allows $method $path from other clients', async ({ method, path }) => {
    const call = await anApi('read-only')

    expect(await (await call(pathOf(path), { method })).text()).not.toContain('read-only')
  })

  it('allows reads from the page', async () => {
    const call = await anApi('read-only')

    expect((await call('/tasks', { headers: { 'sec-fetch-site': 'same-origin' } })).status).toBe(200)
  })
})

describe('a full console', () => {
  it('allows the changes that other clients may make', async () => {
    const call = await anApi('full')
    const headers = { origin: 'http://engine.test', host: 'engine.test', 'content-type': 'application/json' }

    const answer = await call('/uploads', { method: 'POST', headers, body: '{"purpose":"task"}' })

    expect(answer.status).toBe(200)
  })
})

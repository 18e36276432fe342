import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { json, text } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { createEdge } from '../../../edge/edge.ts'
import { createApp } from '../../../lambdas/api/app.ts'
import { type KnownHosts, knownHostsOf, refuseForeign } from '../../../src/shared/foreign-requests.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { aForm, BOUNDARY, listen, listenAsEdge } from './fake-service.ts'
import { sendRaw } from './strict-upstream.ts'

const LOCAL: KnownHosts = []

/** An edge before an API that records its requests. */
async function anEdge(knownHosts: KnownHosts = LOCAL) {
  const reached: IncomingMessage[] = []
  const apiPort = await listen((incoming, response) => {
    reached.push(incoming)
    incoming.resume()
    response.end('{}')
  })
  const apiUrl = new URL(`http://127.0.0.1:${apiPort}`)
  const edge = createEdge({ apiUrl, uploadsAtOnce: 1, knownHosts, log: vi.fn() })
  return { port: await listenAsEdge(edge), reached }
}

type Headers = Readonly<Record<string, string>>

async function post(port: number, headers: Headers, body: Buffer | string = '{}', path = 'stores') {
  const outgoing = request({
    host: '127.0.0.1',
    port,
    path: `/app-engine/v1/${path}`,
    method: 'POST',
    headers,
  })
  const [answer] = (await once(outgoing.end(body), 'response')) as [IncomingMessage]
  return { status: answer.statusCode, answer }
}

const FOREIGN: readonly (readonly [name: string, headers: Headers])[] = [
  ['Sec-Fetch-Site: cross-site', { 'Sec-Fetch-Site': 'cross-site' }],
  ['Sec-Fetch-Site: same-site', { 'Sec-Fetch-Site': 'same-site' }],
  ['Sec-Fetch-Site of a later standard', { 'Sec-Fetch-Site': 'elsewhere' }],
  ['a foreign Origin', { Origin: 'https://evil.example' }],
  ['a foreign Origin of the same site, by its port', { Origin: 'http://localhost:1' }],
  ['Origin: null', { Origin: 'null' }],
  ['an Origin with the host as its user', { Origin: 'http://localhost@evil.example' }],
  [
    'a foreign Origin and an honest Sec-Fetch-Site',
    { Origin: 'http://evil.example', 'Sec-Fetch-Site': 'same-origin' },
  ],
  ['a foreign Host', { Host: 'evil.example' }],
  [
    'a foreign Host with its own Origin, as by DNS rebinding',
    { Host: 'evil.example:80', Origin: 'http://evil.example' },
  ],
  ['a Host that only looks local', { Host: 'localhost.evil.example' }],
  ['a Host that only starts with an address', { Host: '127.0.0.1.evil.example' }],
  ['a Host with a user', { Host: 'localhost@evil.example' }],
]

const TYPES: readonly (readonly [type: string, body: Buffer, path: string])[] = [
  ['text/plain', Buffer.from('{"name":"a","host":"b"}'), 'stores'],
  ['application/x-www-form-urlencoded', Buffer.from('a=b'), 'stores'],
  [
    `multipart/form-data; boundary=${BOUNDARY}`,
    aForm([{ fileName: 'filename="a"', content: 'zip' }]),
    'tasks',
  ],
]

describe('a page of another site', () => {
  it.each(FOREIGN)('is refused before the API with %s', async (_, headers) => {
    const { port, reached } = await anEdge()

    for (const [type, body, path] of TYPES) {
      const { status, answer } = await post(port, { ...headers, 'Content-Type': type }, body, path)

      expect(status).toBe(403)
      expect(await json(answer)).toEqual({
        errorCode: 'APPE-internal-server-error',
        message: expect.any(String),
      })
    }
    expect(reached).toEqual([])
  })

  it.each(FOREIGN)('is refused by the API itself with %s', async (_, headers) => {
    const app = createApp(await anEngine(), LOCAL)

    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
      const init = { method, headers: { Host: 'localhost:4566', ...headers } }
      expect((await app.request('/app-engine/v1/stores', init)).status).toBe(403)
    }
  })

  it('is refused when a second Host header hides its host', async () => {
    const { port, reached } = await anEdge()
    const head =
      'GET /app-engine/v1/tasks HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n'

    expect(await sendRaw(port, head, () => false)).toMatch(/^HTTP\/1\.1 40[03] /u)
    expect(reached).toEqual([])
  })

  it('is refused by a service for any host, unless Origin and Host match', () => {
    const of = (origin: string) => () =>
      refuseForeign({ host: 'engine:80', origin, 'sec-fetch-site': undefined }, 'any')

    expect(of('http://engine')).not.toThrow()
    expect(of('https://engine:80')).not.toThrow()
    expect(of('http://core')).toThrow(/"http:\/\/core"/u)
  })
})

const HONEST: readonly (readonly [name: string, headers: Headers, knownHosts: KnownHosts])[] = [
  ['no headers of browsers', {}, LOCAL],
  ['a typed address', { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate' }, LOCAL],
  [
    'a page of its own',
    { Host: 'localhost:81', Origin: 'http://localhost:81', 'Sec-Fetch-Site': 'same-origin', Referer: '/' },
    LOCAL,
  ],
  ['a page of its own at the default port', { Host: 'localhost', Origin: 'http://localhost' }, LOCAL],
  ['IPv6', { Host: '[::1]:8080' }, LOCAL],
  ['a name below localhost', { Host: 'engine.localhost' }, LOCAL],
  ['the name of the machine in containers', { Host: 'host.docker.internal:8080' }, LOCAL],
  ['a known host', { Host: 'Engine.example.org:8080' }, knownHostsOf('other, engine.example.org')],
  [
    'a page behind a proxy',
    { Host: 'edge:80', Origin: 'https://engine.example.org' },
    ['edge', 'engine.example.org'],
  ],
  ['any host when all are known', { Host: 'app-engine-edge:8080' }, knownHostsOf('*')],
]

describe('legitimate clients', () => {
  it.each(HONEST)('are forwarded with %s', async (_, headers, knownHosts) => {
    const { port, reached } = await anEdge(knownHosts)

    const { status, answer } = await post(port, headers)
    await text(answer)

    expect(status).toBe(200)
    // The API has another host name, so it would refuse these headers.
    const passed = Object.keys(reached[0]?.headers ?? {})
    expect(passed.filter((name) => /^(?:origin|referer|sec-fetch)/u.test(name))).toEqual([])
  })

  it('can request the health of the edge under its IP address', async () => {
    const { port } = await anEdge()
    const head = 'GET /edge/health HTTP/1.1\r\nHost: 10.0.0.7:8080\r\nConnection: close\r\n\r\n'

    expect(await sendRaw(port, head, () => false)).toMatch(/^HTTP\/1\.1 200 /u)
  })
})

describe('any Host and Origin', () => {
  it('is accepted or refused with 403, for any characters', () => {
    const outcomes = fc.property(fc.string(), fc.string(), (host, origin) => {
      try {
        refuseForeign({ host, origin, 'sec-fetch-site': undefined }, LOCAL)
        return false
      } catch (error) {
        return (error as { readonly status?: number }).status === 403
      }
    })

    fc.assert(outcomes, { numRuns: 1000, seed: 6761 })
  })
})

describe('the mark of a page', () => {
  const page = { Host: 'localhost', Origin: 'http://localhost', 'Sec-Fetch-Site': 'same-origin' }

  it.each([
    ['from the headers of its browser', page],
    ['as the page sends it, once', { ...page, 'X-App-Engine-Console': 'page, page' }],
    ['without a browser', { 'X-App-Engine-Console': '1' }],
  ])('is forwarded to the API %s', async (_, headers) => {
    const { port, reached } = await anEdge()

    await post(port, headers)

    expect(reached[0]?.headers).toMatchObject({ 'x-app-engine-console': 'page' })
    expect(reached[0]?.headers).not.toHaveProperty('origin')
  })

  it('is not added to requests of other clients', async () => {
    const { port, reached } = await anEdge()

    await post(port, {})
    await post(port, { 'Sec-Fetch-Site': 'none' })

    expect(reached).toHaveLength(2)
    expect(reached.some(({ headers }) => 'x-app-engine-console' in headers)).toBe(false)
  })
})

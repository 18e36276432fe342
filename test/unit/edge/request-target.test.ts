import { connect } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { createEdge } from '../../../edge/edge.ts'
import { createEdgeServer } from '../../../edge/server.ts'
import type { KnownHosts } from '../../../src/shared/foreign-requests.ts'
import { listen, listenAsEdge, portOf } from './fake-service.ts'
import { aStrictUpstream, sendRaw } from './strict-upstream.ts'

async function anEdge(knownHosts: KnownHosts = 'any') {
  const upstream = await aStrictUpstream()
  const apiUrl = new URL(`http://127.0.0.1:${upstream.port}/stage`)
  const port = await listenAsEdge(createEdge({ apiUrl, uploadsAtOnce: 1, knownHosts, log: vi.fn() }))
  const ask = async (start: string, ...headers: readonly string[]): Promise<Answer> => {
    const head = [`${start} HTTP/1.1`, ...headers, 'Connection: close'].join('\r\n')
    return answerOf(await sendRaw(port, `${head}\r\n\r\n`, () => false))
  }
  return { port, upstream, ask, paths: () => upstream.requests().map(({ path }) => path) }
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

function answerOf(answered: string): Answer {
  const [head = '', body = ''] = answered.split('\r\n\r\n')
  const [line = '', ...fields] = head.split('\r\n')
  const headers = new Headers(
    fields.map((field): [string, string] => [field.split(':', 1)[0] ?? '', field.replace(/^[^:]*:\s*/u, '')]),
  )
  return { status: Number(line.split(' ')[1]), headers, body }
}

/** Body of every error response, whose fields are those of Cytomine's http-api 3.1. */
const ERROR_BODY = {
  errorCode: 'APPE-internal-server-error',
  message: expect.any(String),
  details: expect.objectContaining({ type: 'empty' }),
}

function expectError({ status, headers, body }: Answer, expected: number): void {
  expect(status).toBe(expected)
  expect(headers.get('content-type')).toBe('application/json')
  expect(JSON.parse(body)).toEqual(ERROR_BODY)
  expect(headers.get('content-length')).toBe(String(body.length))
}

describe('a target in absolute form', () => {
  it.each([
    ['http://edge/app-engine/v1/tasks?a=http://b', '/stage/app-engine/v1/tasks?a=http://b'],
    ['HTTPS://edge:8443/app-engine/v1//tasks/a%23b', '/stage/app-engine/v1//tasks/a%23b'],
    ['http://edge?x=1', '/stage/?x=1'],
    ['http://edge', '/stage/'],
  ])('is forwarded as its path: %s', async (target, path) => {
    const { ask, paths } = await anEdge()

    expect((await ask(`GET ${target}`, 'Host: edge')).status).toBe(200)
    expect(paths()).toEqual([path])
  })

  it('never leads to another server than the API', async () => {
    const elsewhere = vi.fn()
    const port = await listen(elsewhere)
    const { ask, paths } = await anEdge()

    await ask(`GET http://127.0.0.1:${port}/app-engine/v1/tasks`, 'Host: edge')

    expect(elsewhere).not.toHaveBeenCalled()
    expect(paths()).toEqual(['/stage/app-engine/v1/tasks'])
  })

  it('is checked by its own host instead of the Host header', async () => {
    const { ask, paths } = await anEdge([])

    const foreign = await ask('GET http://evil.example/app-engine/v1/tasks', 'Host: localhost')
    const own = await ask('GET http://localhost/app-engine/v1/tasks', 'Host: evil.example')

    expect(foreign.status).toBe(403)
    expect(JSON.parse(foreign.body)).toMatchObject({ errorCode: ERROR_BODY.errorCode })
    expect(own.status).toBe(200)
    expect(paths()).toHaveLength(1)
  })

  it('can be that of the edge’s health', async () => {
    const { ask } = await anEdge()

    expect((await ask('GET http://edge/edge/health', 'Host: edge')).body).toContain('ok')
  })
})

describe('OPTIONS for the whole server', () => {
  it.each(['*', 'http://edge'])(
    'is answered by the edge itself, with the methods of the service: %s',
    async (target) => {
      const { ask, upstream } = await anEdge()

      const { status, headers, body } = await ask(`OPTIONS ${target}`, 'Host: edge')

      expect(status).toBe(200)
      expect(headers.get('allow')).toBe('GET, HEAD, POST, PUT, DELETE, OPTIONS')
      expect(headers.get('content-length')).toBe('0')
      expect(body).toBe('')
      expect(upstream.requests()).toEqual([])
    },
  )
})

describe('a malformed request', () => {
  it.each([
    { name: 'no path', start: 'GET *' },
    { name: 'another scheme', start: 'GET ftp://edge/app-engine/v1/tasks' },
    { name: 'CONNECT', start: 'CONNECT elsewhere.example:443' },
    { name: 'no path and no scheme', start: 'GET tasks' },
    { name: 'a space in the path', start: 'GET /a b' },
    { name: 'an unknown method', start: 'FROBNICATE /app-engine/v1/tasks' },
    { name: 'two lengths', headers: ['Host: edge', 'Content-Length: 1', 'Content-Length: 2'] },
    { name: 'no host', headers: [] },
  ])(
    'is answered 400 with the contract’s body: $name',
    async ({ start = 'GET /app-engine/v1/tasks', headers = ['Host: edge'] }) => {
      const { ask, upstream } = await anEdge()

      expectError(await ask(start, ...headers), 400)
      expect(upstream.requests()).toEqual([])
    },
  )

  it('is answered 431 with the contract’s body when its headers are too large', async () => {
    const { ask } = await anEdge()

    expectError(await ask('GET /app-engine/v1/tasks', 'Host: edge', `X-Large: ${'x'.repeat(20_000)}`), 431)
  })

  it('is answered when its body has an invalid chunk', async () => {
    const { port } = await anEdge()
    const head = 'POST /app-engine/v1/stores HTTP/1.1\r\nHost: edge\r\nTransfer-Encoding: chunked\r\n\r\n'

    expectError(answerOf(await sendRaw(port, `${head}no chunk\r\n`, () => false)), 400)
  })

  it('gets no second response within the first', async () => {
    const server = createEdgeServer((request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('begin')
      request.on('error', () => undefined).resume()
    })
    const socket = connect(await portOf(server), '127.0.0.1').setEncoding('latin1')
    let answered = ''
    socket.on('error', () => undefined)
    socket.on('data', (text: string) => {
      // The body becomes invalid after the response has started.
      if (answered === '') socket.write('no chunk\r\n')
      answered += text
    })
    socket.write('POST / HTTP/1.1\r\nHost: edge\r\nTransfer-Encoding: chunked\r\n\r\n')
    await new Promise((resolve) => socket.once('close', resolve))

    expect(answered).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nbegin$/su)
  })
})

describe('an unknown Expect header', () => {
  it('is ignored', async () => {
    const { ask } = await anEdge()

    expect((await ask('GET /app-engine/v1/tasks', 'Host: edge', 'Expect: miracles')).status).toBe(200)
  })
})

describe('a response to HEAD', () => {
  it('has no length when it comes from the API, whose gateway sends the length of the empty body', async () => {
    const api = await listen((_, response) => {
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': '0', etag: '"a"' })
        .end()
    })
    const edge = createEdge({ apiUrl: new URL(`http://127.0.0.1:${api}`), uploadsAtOnce: 1, log: vi.fn() })
    const port = await listenAsEdge(edge)

    const head = 'HEAD /app-engine/v1/tasks HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n'
    const { status, headers, body } = answerOf(await sendRaw(port, head, () => false))

    expect([status, headers.get('etag'), headers.get('content-type')]).toEqual([
      200,
      '"a"',
      'application/json',
    ])
    expect(headers.has('content-length')).toBe(false)
    expect(headers.has('transfer-encoding')).toBe(false)
    expect(body).toBe('')
  })

  it('keeps the length that the API sent', async () => {
    const api = await listen((_, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': '39' }).end()
    })
    const edge = createEdge({ apiUrl: new URL(`http://127.0.0.1:${api}`), uploadsAtOnce: 1, log: vi.fn() })
    const port = await listenAsEdge(edge)

    const head = 'HEAD /app-engine/v1/task-runs HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n'
    const { headers } = answerOf(await sendRaw(port, head, () => false))

    expect(headers.get('content-length')).toBe('39')
  })

  it('has the length of the response to GET when the edge itself answers', async () => {
    const { ask } = await anEdge()

    const [head, get] = [await ask('HEAD /a%2Fb', 'Host: edge'), await ask('GET /a%2Fb', 'Host: edge')]

    expect([head.status, head.body]).toEqual([404, ''])
    expect(head.headers.get('content-length')).toBe(String(get.body.length))
  })
})

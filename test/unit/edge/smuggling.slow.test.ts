import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { createEdge } from '../../../edge/edge.ts'
import { createSigner } from '../../../src/signing/sign-request.ts'
import { listenAsEdge } from './fake-service.ts'
import { aStrictUpstream, type StrictUpstream, sendRaw } from './strict-upstream.ts'

const HIDDEN =
  'POST /app-engine/v1/stores HTTP/1.1\r\nHost: edge\r\nX-Hidden: yes\r\nContent-Length: 2\r\n\r\n{}'

const sign = createSigner({
  region: 'eu-west-1',
  credentials: async () => ({ accessKeyId: 'AKID', secretAccessKey: 'secret' }),
})

/** Port of an edge before a strict upstream. */
async function anEdge(
  isSigned = false,
): Promise<{ readonly port: number; readonly upstream: StrictUpstream }> {
  const upstream = await aStrictUpstream()
  const apiUrl = new URL(`http://127.0.0.1:${upstream.port}`)
  const edge = createEdge({
    apiUrl,
    uploadsAtOnce: 1,
    ratePeriodMs: 100,
    log: vi.fn(),
    ...(isSigned && { sign }),
  })
  return { port: await listenAsEdge(edge), upstream }
}

const chunked = (body: string): string =>
  body === '' ? '0\r\n\r\n' : `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`

/** Headers and bodies that frame `body` once by RFC 9112, or that must be refused. */
const FRAMINGS: Readonly<
  Record<string, (body: string) => readonly [headers: readonly string[], sent: string]>
> = {
  chunked: (body) => [['Transfer-Encoding: chunked'], chunked(body)],
  'odd case': (body) => [['tRANSFER-eNCODING:\tCHUNKED '], chunked(body)],
  'chunk extensions': (body) => [
    ['Transfer-Encoding: chunked'],
    `${body.length.toString(16)};a="b"\r\n${body}\r\n0\r\n\r\n`,
  ],
  trailers: (body) => [
    ['Transfer-Encoding: chunked', 'Trailer: X-Late, Content-Length'],
    `${body.length.toString(16)}\r\n${body}\r\n0\r\nX-Late: 1\r\nContent-Length: 7\r\n\r\n`,
  ],
  length: (body) => [[`Content-Length: ${body.length}`], body],
  'listed length': (body) => [[`Content-Length: ${body.length}`, 'Connection: Content-Length'], body],
  'listed length, twice': (body) => [
    [
      'Connection: keep-alive, content-length',
      `Content-Length: ${body.length}`,
      'connection: content-length',
    ],
    body,
  ],
  'listed chunked': (body) => [
    ['Transfer-Encoding: chunked', 'Connection: transfer-encoding, content-length'],
    chunked(body),
  ],
  both: (body) => [[`Content-Length: ${body.length}`, 'Transfer-Encoding: chunked'], chunked(body)],
  'both, listed': (body) => [
    ['Content-Length: 4', 'Transfer-Encoding: chunked', 'Connection: transfer-encoding'],
    chunked(body),
  ],
  'two lengths': (body) => [[`Content-Length: ${body.length}`, 'Content-Length: 0'], body],
  'list of lengths': (body) => [[`Content-Length: ${body.length}, ${body.length}`], body],
  'length with a sign': (body) => [[`Content-Length: +${body.length}`], body],
  'unknown coding': (body) => [['Transfer-Encoding: xchunked'], chunked(body)],
  'coding before chunked': (body) => [['Transfer-Encoding: gzip, chunked'], chunked(body)],
  'chunked twice': (body) => [['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], chunked(body)],
  'name with a space': (body) => [['Transfer-Encoding : chunked'], chunked(body)],
  'name with an underscore': (body) => [['Content_Length: 0', `Content-Length: ${body.length}`], body],
  'bare line feeds': (body) => [['X-A: b\nTransfer-Encoding: chunked'], chunked(body)],
}

const METHODS = ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'PROPFIND', 'TRACE', 'SEARCH']
const EXTRAS = [
  'Expect: 100-continue',
  'Connection: Upgrade\r\nUpgrade: h2c',
  'Connection: upgrade, http2-settings\r\nUpgrade: websocket\r\nHTTP2-Settings: AA',
  'TE: trailers',
  'Keep-Alive: timeout=5',
  'X-HTTP-Method-Override: POST',
  'Content-Type: application/json',
]
const PATHS = [
  '/app-engine/v1/tasks',
  '/app-engine/v1/task-runs/1/input-provisions/a',
  '/app-engine/v1//stores',
  'http://edge/app-engine/v1/stores',
  '*',
]
const BODIES = [HIDDEN, '{"reason": "no longer needed"}', `0\r\n\r\n${HIDDEN}`, '']

const attack = fc.record({
  method: fc.constantFrom(...METHODS),
  framing: fc.constantFrom(...Object.keys(FRAMINGS)),
  extras: fc.uniqueArray(fc.constantFrom(...EXTRAS), { maxLength: 3 }),
  path: fc.constantFrom(...PATHS),
  body: fc.constantFrom(...BODIES),
})

function messageOf({
  method,
  framing,
  extras,
  path,
  body,
}: typeof attack extends fc.Arbitrary<infer T> ? T : never) {
  const [headers = [], sent = ''] = FRAMINGS[framing]?.(body) ?? []
  return `${[`${method} ${path} HTTP/1.1`, 'Host: edge', ...headers, ...extras].join('\r\n')}\r\n\r\n${sent}`
}

const isAnswered = (answered: string): boolean => /^HTTP\/1\.1 (?!100)\d{3} .*?\r\n\r\n/ms.test(answered)

/** Response to another client, which shares the edge's connections after the attack. */
async function askAsAnother(port: number): Promise<string> {
  const path = `/app-engine/v1/of-another-client-${crypto.randomUUID()}`
  const answered = await sendRaw(
    port,
    `GET ${path} HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n`,
    () => false,
  )
  expect(answered).toContain(JSON.stringify({ path }))
  return path
}

describe('a body with any method and framing', () => {
  it.each([
    { name: 'forwarded unchanged', isSigned: false },
    { name: 'signed', isSigned: true },
  ])('reaches the API as one request or not at all: $name', async ({ isSigned }) => {
    const { port, upstream } = await anEdge(isSigned)

    await fc.assert(
      fc.asyncProperty(fc.array(attack, { minLength: 1, maxLength: 3 }), async (attacks) => {
        const before = upstream.requests().length
        for (const one of attacks) await sendRaw(port, messageOf(one), isAnswered)
        await askAsAnother(port)

        const seen = upstream.requests().slice(before)
        expect(upstream.violations).toEqual([])
        expect(seen.length).toBeLessThanOrEqual(attacks.length + 1)
        expect(seen.filter(({ headers }) => headers.has('x-hidden'))).toEqual([])
      }),
      { numRuns: 150, seed: 9112 },
    )
  })
})

describe('methods without a body', () => {
  it.each(['GET', 'HEAD', 'DELETE', 'OPTIONS'])(
    'such as %s ignore a chunked JSON body, which affects no other request',
    async (method) => {
      const { port, upstream } = await anEdge()
      const head = `${method} /app-engine/v1/tasks HTTP/1.1\r\nHost: edge\r\nTransfer-Encoding: chunked\r\n\r\n`

      const answered = await sendRaw(port, head + chunked('{"reason": "none"}'), isAnswered)
      await askAsAnother(port)

      expect(answered).toMatch(/^HTTP\/1\.1 200 /u)
      expect(upstream.requests()[0]).toMatchObject({ method, body: '' })
      expect(upstream.violations).toEqual([])
    },
  )

  it('send no second request for a DELETE with Connection: content-length', async () => {
    const { port, upstream } = await anEdge()
    const headers = `Host: edge\r\nConnection: content-length\r\nContent-Length: ${HIDDEN.length}`

    await sendRaw(port, `DELETE /app-engine/v1/tasks/a/1 HTTP/1.1\r\n${headers}\r\n\r\n${HIDDEN}`, isAnswered)
    await askAsAnother(port)

    expect(upstream.requests().map(({ method }) => method)).toEqual(['DELETE', 'GET'])
  })
})

describe('headers of a client', () => {
  async function arrived(headers: readonly string[], isSigned = false) {
    const { port, upstream } = await anEdge(isSigned)
    const head = ['POST /app-engine/v1/stores HTTP/1.1', 'Host: edge', 'Content-Length: 2', ...headers]
    await sendRaw(port, `${head.join('\r\n')}\r\n\r\n{}`, isAnswered)
    return upstream.requests()[0]?.headers ?? new Map<string, readonly string[]>()
  }

  it.each([false, true])(
    'are dropped if they select another operation or API, signed: %s',
    async (isSigned) => {
      const steering = [
        'X-Apigw-Api-Id: other',
        'x-amz-target: DynamoDB_20120810.DeleteTable',
        'X-Amz-Invocation-Type: Event',
        'X-Amzn-Trace-Id: Root=1',
        'X-Api-Key: a',
        'X-HTTP-Method-Override: DELETE',
        'X-Method-Override: DELETE',
        'X-Original-URL: /other',
        'X-Rewrite-URL: /other',
        'X-LocalStack-Target: other',
        'X-Amz_Date: never',
        'Content_Length: 0',
      ]

      const headers = await arrived(['X-Kept: yes', ...steering], isSigned)

      expect(headers.get('x-kept')).toEqual(['yes'])
      const ours = ['x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token']
      const passed = [...headers.keys()].filter((name) => /^x[-_]/u.test(name) || name.includes('_'))
      expect(passed.filter((name) => !(isSigned && ours.includes(name)))).toEqual(['x-kept'])
    },
  )

  it('get an Accept header, which gateways need and core omits', async () => {
    expect((await arrived([])).get('accept')).toEqual(['*/*'])
    expect((await arrived(['Accept: application/json'])).get('accept')).toEqual(['application/json'])
  })

  it('lose an AWS signature, and keep other authorization without IAM', async () => {
    expect((await arrived(['Authorization: AWS4-HMAC-SHA256 Credential=a'])).has('authorization')).toBe(false)
    expect((await arrived(['Authorization: Bearer a'])).get('authorization')).toEqual(['Bearer a'])
  })

  it('are kept when Connection names them, unless they concern the connection', async () => {
    const kept = ['Accept', 'Authorization', 'Content-Type', 'Cookie', 'If-Match', 'Range', 'X-Forwarded-For']
    const listed = ['Connection: X-Mine, Keep-Alive, Host', `Connection: ${kept.join(',')}, content-length`]

    const headers = await arrived([...listed, 'X-Mine: 1', ...kept.map((name) => `${name}: ours`)])

    for (const name of kept) expect(headers.get(name.toLowerCase()), name).toEqual(['ours'])
    expect(headers.get('content-length')).toEqual(['2'])
    expect(headers.has('x-mine')).toBe(false)
  })
})

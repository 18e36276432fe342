import { once } from 'node:events'
import { Socket } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { DomainError } from '../../../src/contract/errors.ts'
import { createFetchBundleSource } from '../../../src/import/fetch-bundle-source.ts'
import { storeGaveNothing } from '../../../src/store/store.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

const reported: string[] = []
const report = (words: string): void => void reported.push(words)
const source = createFetchBundleSource({ report })
const failedWith = (words: string) =>
  expect.objectContaining({
    error: 'APPSTORE_DOWNLOAD_FAILED',
    status: 400,
    details: expect.objectContaining({ description: expect.stringContaining(words) }),
  })
/** Error of a download from a host that does not send a zip. */
const GAVE_NOTHING = expect.objectContaining({ status: 400, details: storeGaveNothing().details })

beforeEach(() => {
  reported.length = 0
})
afterEach(closeWebServers)

describe('a bundle that is downloaded', () => {
  it.each([301, 302, 303, 307, 308])(
    'may come from another server after a redirect with status %d',
    async (status) => {
      const target = await aWebServer((request, response) => response.end(`PK bundle of ${request.url}`))
      const store = await aWebServer((_, response) =>
        response.writeHead(status, { location: new URL('/there', target).href }).end('moved'),
      )

      const body = await source.open(store)

      expect(await text(body)).toBe('PK bundle of /there')
    },
  )

  it('may come from a relative redirect', async () => {
    const store = await aWebServer((request, response) => {
      if (request.url === '/a/b') response.writeHead(302, { location: '../c' }).end()
      else response.end(`PK${request.url}`)
    })

    expect(await text(await source.open(new URL('/a/b', store)))).toBe('PK/c')
  })

  it('is not requested from the port of the Lambda runtime API', async () => {
    const inLambda = createFetchBundleSource({ runtimeApi: '127.0.0.1:9001' })
    const url = new URL('http://name-of-this-machine.example.org:9001/2018-06-01/runtime/invocation/next')

    await expect(inLambda.open(url)).rejects.toEqual(failedWith('is reserved by the engine'))
  })

  it.each(['127.0.0.1', 'localhost', 'name-of-this-machine.example.org'])(
    'is not requested from the port of the Lambda runtime API after a redirect to %s',
    async (host) => {
      const inLambda = createFetchBundleSource({ runtimeApi: '127.0.0.1:9001', report })
      const location = `http://${host}:9001/2018-06-01/runtime/invocation/next`
      const store = await aWebServer((_, response) => response.writeHead(302, { location }).end())

      await expect(inLambda.open(store)).rejects.toEqual(GAVE_NOTHING)

      expect(reported).toEqual([expect.stringContaining('is reserved by the engine')])
    },
  )

  it('fails in a loop of redirects', async () => {
    let requests = 0
    const store = await aWebServer((_, response) => {
      requests += 1
      response.writeHead(302, { location: '/' }).end()
    })

    await expect(source.open(store)).rejects.toEqual(GAVE_NOTHING)

    expect(requests).toBe(11)
    expect(reported).toEqual(['more than 10 redirects'])
  })

  it.each([
    ['file:///etc/passwd', 'not by file'],
    ['ftp://store.example.org/bundle.zip', 'not by ftp'],
    ['data:application/zip;base64,UEs=', 'not by data'],
    ['http://user:word@store.example.org/', 'user name'],
    ['http://[', 'not a URL'],
  ])('is not requested after a redirect to %s', async (location, words) => {
    const store = await aWebServer((_, response) => response.writeHead(302, { location }).end())

    await expect(source.open(store)).rejects.toEqual(GAVE_NOTHING)

    expect(reported).toEqual([expect.stringContaining(words)])
  })

  it.each(['ftp://store.example.org/', 'file:///bundle.zip'])('fails for %s', async (url) => {
    await expect(source.open(new URL(url))).rejects.toEqual(failedWith('not by'))
  })

  const answer =
    (status: number, headers: Record<string, string> = {}, body = '') =>
    async (): Promise<URL> =>
      await aWebServer((_, response) => response.writeHead(status, headers).end(body))
  const closedPort = async (): Promise<URL> => {
    const url = await aWebServer(() => {})
    closeWebServers()
    return url
  }

  it.each<readonly [what: string, store: () => Promise<URL>, reason: string]>([
    ...[204, 300, 304, 401, 403, 404, 500].map(
      (status) => [`a status of ${status}`, answer(status), `status ${status}`] as const,
    ),
    ['a redirect without address', answer(302), 'status 302'],
    ['a web page', answer(200, { 'content-type': 'text/html' }, '<html>'), 'not a zip archive'],
    ['nothing', answer(200), 'the response is empty'],
    ['one byte', answer(200, {}, 'P'), 'the response is empty'],
    [
      'a body that was packed unasked',
      answer(200, { 'content-encoding': 'gzip' }, 'PK'),
      'Content-Encoding gzip',
    ],
    [
      'something that is not HTTP',
      async () => await aWebServer((request) => request.socket.end('SSH-2.0-OpenSSH_9.2\r\n')),
      'HPE_INVALID_CONSTANT',
    ],
    [
      'a connection that is closed',
      async () => await aWebServer((request) => request.socket.destroy()),
      'ECONNRESET',
    ],
    ['a closed port', closedPort, 'ECONNREFUSED'],
    ['a name that does not exist', async () => new URL('http://no-such-host.invalid/'), 'ENOTFOUND'],
    [
      'a server without TLS',
      async () => new URL((await aWebServer(() => {})).href.replace('http', 'https')),
      'SSL',
    ],
  ])('fails with the same message for any other response of the host: %s', async (_, store, reason) => {
    const failure = await source.open(await store()).catch((error: DomainError) => error)

    expect({ ...(failure as DomainError).body, status: (failure as DomainError).status }).toEqual({
      ...storeGaveNothing().body,
      status: 400,
    })
    expect(reported).toEqual([expect.stringContaining(reason)])
  })

  it('may come from a port that browsers block', async () => {
    const asked = vi.spyOn(Socket.prototype, 'connect')
    try {
      await expect(source.open(new URL('http://127.0.0.1:9/'))).rejects.toEqual(GAVE_NOTHING)

      expect(asked).toHaveBeenCalledOnce()
      expect(reported).toEqual([expect.stringContaining('ECONNREFUSED')])
    } finally {
      asked.mockRestore()
    }
  })

  it('is requested without compression, and stored unchanged', async () => {
    const encodings: unknown[] = []
    const bundle = Buffer.concat([Buffer.from('PK'), gzipSync('bundle')])
    const store = await aWebServer((request, response) => {
      encodings.push(request.headers['accept-encoding'])
      response.writeHead(200, { 'content-encoding': 'identity' }).end(bundle)
    })

    expect((await buffer(await source.open(store))).equals(bundle)).toBe(true)
    expect(encodings).toEqual(['identity'])
  })

  it('is refused before its body is read when its Content-Length exceeds the limit', async () => {
    const small = createFetchBundleSource({ maxBytes: 1000 })
    const store = await aWebServer((_, response) =>
      response.writeHead(200, { 'content-length': 1001 }).write('PK'),
    )

    await expect(small.open(store)).rejects.toEqual(failedWith('over 1000 bytes'))
  })

  it('fails when it exceeds the limit of an upload', async () => {
    const small = createFetchBundleSource({ maxBytes: 1_000_000 })
    let isClosed = false
    const store = await aWebServer(async (_, response) => {
      response.on('close', () => {
        isClosed = true
      })
      while (!isClosed) if (!response.write(Buffer.alloc(65_536, 'PK'))) await once(response, 'drain')
    })
    const body = await small.open(store)

    await expect(buffer(body)).rejects.toEqual(failedWith('over 1000000 bytes'))

    await vi.waitUntil(() => isClosed)
  })

  describe('with fake timers', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    })
    afterEach(() => {
      vi.useRealTimers()
    })

    it('fails when the store does not start to respond in time', async () => {
      const asked = Promise.withResolvers<void>()
      const store = await aWebServer(() => asked.resolve())
      const opened = expect(source.open(store)).rejects.toEqual(GAVE_NOTHING)
      await asked.promise

      vi.advanceTimersByTime(10_000)

      await opened
      expect(reported).toEqual(['no response within 10 s'])
    })

    it('may take long after the start of the response', async () => {
      const goOn = Promise.withResolvers<void>()
      const store = await aWebServer(async (_, response) => {
        response.write('PK first half, ')
        await goOn.promise
        response.end('second half')
      })
      const body = await source.open(store)

      vi.advanceTimersByTime(3_600_000)
      goOn.resolve()

      expect(await text(body)).toBe('PK first half, second half')
    })
  })
})

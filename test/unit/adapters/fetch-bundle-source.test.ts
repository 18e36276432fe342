import { once } from 'node:events'
import { buffer, text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createFetchBundleSource } from '../../../src/adapters/http/fetch-bundle-source.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

const source = createFetchBundleSource()
const failedWith = (words: string) =>
  expect.objectContaining({
    error: 'APPSTORE_DOWNLOAD_FAILED',
    details: expect.objectContaining({ description: expect.stringContaining(words) }),
  })

afterEach(closeWebServers)

describe('bundles by http', () => {
  it.each([301, 302, 303, 307, 308])('follow a redirect with status %d to another server', async (status) => {
    const target = await aWebServer((request, response) => response.end(`bundle of ${request.url}`))
    const store = await aWebServer((_, response) =>
      response.writeHead(status, { location: new URL('/there', target).href }).end('moved'),
    )

    const body = await source.open(store)

    expect(await text(body)).toBe('bundle of /there')
  })

  it('follow relative redirects', async () => {
    const store = await aWebServer((request, response) => {
      if (request.url === '/a/b') response.writeHead(302, { location: '../c' }).end()
      else response.end(request.url)
    })

    expect(await text(await source.open(new URL('/a/b', store)))).toBe('/c')
  })

  it.each(['127.0.0.1', 'localhost', 'name-of-this-machine.example.org'])(
    'are not got from %s at the port that gives functions their events',
    async (host) => {
      const inLambda = createFetchBundleSource('127.0.0.1:9001')
      const location = `http://${host}:9001/2018-06-01/runtime/invocation/next`
      const store = await aWebServer((_, response) => response.writeHead(302, { location }).end())

      await expect(inLambda.open(store)).rejects.toEqual(failedWith('belongs to the engine'))
    },
  )

  it('stop at a loop of redirects', async () => {
    let requests = 0
    const store = await aWebServer((_, response) => {
      requests += 1
      response.writeHead(302, { location: '/' }).end()
    })

    await expect(source.open(store)).rejects.toEqual(failedWith('redirects more than 10 times'))

    expect(requests).toBe(11)
  })

  it.each([
    ['file:///etc/passwd', 'not by file'],
    ['ftp://store.example.org/bundle.zip', 'not by ftp'],
    ['data:application/zip;base64,UEs=', 'not by data'],
    ['http://user:word@store.example.org/', 'without user name'],
    ['http://[', 'no URL'],
  ])('never follow a redirect to %s', async (location, words) => {
    const store = await aWebServer((_, response) => response.writeHead(302, { location }).end())

    await expect(source.open(store)).rejects.toEqual(failedWith(words))
  })

  it.each(['ftp://store.example.org/', 'file:///bundle.zip'])('are refused from %s', async (url) => {
    await expect(source.open(new URL(url))).rejects.toEqual(failedWith('not by'))
  })

  it.each([204, 300, 304, 403, 404, 500])('are refused with status %d', async (status) => {
    const store = await aWebServer((_, response) => response.writeHead(status).end())

    await expect(source.open(store)).rejects.toEqual(failedWith(`status ${status}`))
  })

  it('say why a store cannot be reached', async () => {
    const store = await aWebServer((_, response) => response.end())
    closeWebServers()

    await expect(source.open(store)).rejects.toEqual(
      failedWith(`${store.host} cannot be reached (ECONNREFUSED)`),
    )
  })

  it('say which ports fetch keeps away from', async () => {
    await expect(source.open(new URL('http://127.0.0.1:1/'))).rejects.toEqual(failedWith('(bad port)'))
  })

  describe('with a clock that is moved by hand', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    })
    afterEach(() => {
      vi.useRealTimers()
    })

    it('are given up when the store does not begin to answer in time', async () => {
      const asked = Promise.withResolvers<void>()
      const store = await aWebServer(() => asked.resolve())
      const opened = expect(source.open(store)).rejects.toEqual(failedWith('did not answer within 10 s'))
      await asked.promise

      vi.advanceTimersByTime(10_000)

      await opened
    })

    it('may take long once the answer has begun', async () => {
      const goOn = Promise.withResolvers<void>()
      const store = await aWebServer(async (_, response) => {
        response.write('first half, ')
        await goOn.promise
        response.end('second half')
      })
      const body = await source.open(store)

      vi.advanceTimersByTime(3_600_000)
      goOn.resolve()

      expect(await text(body)).toBe('first half, second half')
    })
  })

  it('arrive at the pace of their reader', async () => {
    const chunk = Buffer.alloc(1024 * 1024)
    let sentBytes = 0
    const store = await aWebServer(async (_, response) => {
      for (let index = 0; index < 64; index += 1) {
        sentBytes += chunk.length
        if (!response.write(chunk)) await once(response, 'drain')
      }
      response.end()
    })
    const body = await source.open(store)
    await once(body, 'readable')
    const sentAtStart = sentBytes

    const bytes = await buffer(body)

    expect(sentAtStart).toBeLessThan(32 * chunk.length)
    expect(bytes).toHaveLength(64 * chunk.length)
  })
})

import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { startCountingProxy } from '../../fixtures/counting-proxy.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

it('counts and forwards requests, also after a client that left before its answer', async () => {
  const arrived = Promise.withResolvers<void>()
  const left = Promise.withResolvers<void>()
  const target = await aWebServer(async (asked, response) => {
    const body = await text(asked)
    if (asked.url === '/slow') {
      arrived.resolve()
      await left.promise
    }
    response.end(`${asked.url} ${body}`)
  })
  const counted: string[] = []
  const proxy = await startCountingProxy(target.href, ({ url = '', socket }) => {
    counted.push(url)
    // The target answers after the proxy has seen the client leave.
    if (url === '/slow') socket.once('close', () => left.resolve())
  })
  try {
    const leaving = request(new URL('/slow', proxy.url)).on('error', () => {})
    leaving.end()
    await arrived.promise
    leaving.destroy()
    await left.promise
    const answer = await fetch(new URL('/quick', proxy.url), { method: 'POST', body: 'x' })

    expect(await answer.text()).toBe('/quick x')
    expect(counted).toEqual(['/slow', '/quick'])
  } finally {
    proxy.stop()
    closeWebServers()
  }
})

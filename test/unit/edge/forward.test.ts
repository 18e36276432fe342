import { once } from 'node:events'
import { type IncomingMessage, type RequestListener, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it, vi } from 'vitest'
import { createEdge } from '../../../edge/edge.ts'
import { SMALL_BODY_BYTES } from '../../../edge/limits.ts'
import { findFreePort } from '../../../local/ports.ts'
import { listen, listenAsEdge } from './fake-service.ts'

/** Starts an edge before this API, and returns its port. */
async function anEdge(api: RequestListener): Promise<number> {
  const port = await listen(api)
  const apiUrl = new URL(`http://127.0.0.1:${port}/restapis/id/api/`)
  return listenAsEdge(createEdge({ apiUrl, uploadsAtOnce: 1, log: vi.fn() }))
}

/** Sends a request by `node:http`, because `fetch` normalizes paths and headers. */
async function ask(
  port: number,
  path: string,
  options: { readonly method?: string; readonly headers?: Record<string, string> } = {},
): Promise<IncomingMessage> {
  const outgoing = request({ host: '127.0.0.1', port, path, ...options }).end()
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  return answer
}

describe('the edge', () => {
  it('forwards the path unchanged, with query and double slashes', async () => {
    const seen: (string | undefined)[] = []
    const port = await anEdge((incoming, response) => {
      seen.push(incoming.url)
      response.end()
    })

    await ask(port, '/app-engine/v1//tasks/a%23b?x=1%2F2&x=2')

    expect(seen).toEqual(['/restapis/id/api/app-engine/v1//tasks/a%23b?x=1%2F2&x=2'])
  })

  it('returns status, headers and body, also of redirects', async () => {
    const port = await anEdge((_, response) => {
      response.writeHead(302, { location: 'http://elsewhere/', 'set-cookie': ['a=1', 'b=2'] })
      response.end('moved')
    })

    const answer = await ask(port, '/x')

    expect(answer.statusCode).toBe(302)
    expect(answer.headers).toMatchObject({ location: 'http://elsewhere/', 'set-cookie': ['a=1', 'b=2'] })
    expect(await text(answer)).toBe('moved')
  })

  it.each(['/app-engine/v1/tasks/name%2F1.0.0', '/app-engine/v1/tasks%2fname/1.0.0', '/%2F'])(
    'answers 404 for an escaped slash without calling the API: %s',
    async (path) => {
      const seen: (string | undefined)[] = []
      const port = await anEdge((incoming, response) => {
        seen.push(incoming.url)
        response.end()
      })

      expect((await ask(port, path, { method: 'DELETE' })).statusCode).toBe(404)
      expect(seen).toEqual([])
    },
  )

  it('asks the API by OPTIONS for the allowed methods when it receives TRACE, which API Gateway refuses', async () => {
    const seen: (string | undefined)[] = []
    const port = await anEdge((incoming, response) => {
      seen.push(incoming.method)
      response.writeHead(405, { allow: 'GET, HEAD' }).end()
    })

    const { statusCode, headers } = await ask(port, '/x', { method: 'TRACE' })

    expect([statusCode, headers.allow]).toEqual([405, 'GET, HEAD'])
    expect(seen).toEqual(['OPTIONS'])
  })

  it('sends an empty response without a content type', async () => {
    const port = await anEdge((_, response) => {
      response.writeHead(200, { 'content-type': '', 'content-length': '0' }).end()
    })

    expect((await ask(port, '/x', { method: 'DELETE' })).headers).not.toHaveProperty('content-type')
  })

  it('streams a large body without Content-Length', async () => {
    let received = 0
    const port = await anEdge(async (incoming, response) => {
      for await (const chunk of incoming) {
        if (received === 0) response.write('got the first')
        received += chunk.length
      }
      response.end()
    })
    const outgoing = request({ host: '127.0.0.1', port, path: '/x', method: 'POST' })

    outgoing.write(Buffer.alloc(SMALL_BODY_BYTES + 1))
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    outgoing.end('two')

    expect(await text(answer)).toBe('got the first')
    expect(received).toBe(SMALL_BODY_BYTES + 4)
  })

  it('forwards a small body once it is complete, with its length', async () => {
    const seen: IncomingMessage['headers'][] = []
    const port = await anEdge(async (incoming, response) => {
      seen.push(incoming.headers)
      incoming.pipe(response)
    })
    const outgoing = request({ host: '127.0.0.1', port, path: '/x', method: 'POST' })

    outgoing.write('one')
    outgoing.end('two')
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]

    expect(await text(answer)).toBe('onetwo')
    expect(seen).toMatchObject([{ 'content-length': '6' }])
  })

  it('removes the headers of a connection, and those that Connection names', async () => {
    let seen: IncomingMessage['headers'] = {}
    const port = await anEdge((incoming, response) => {
      seen = incoming.headers
      response.writeHead(200, { 'keep-alive': 'timeout=77', 'x-kept': 'yes' }).end()
    })
    const headers = { connection: 'close, x-mine', 'x-mine': '1', te: 'trailers', 'x-other': '2' }

    const answer = await ask(port, '/x', { headers })

    expect(seen).toMatchObject({ 'x-other': '2', host: expect.stringMatching(/^127\.0\.0\.1:/u) })
    expect(seen).not.toHaveProperty('x-mine')
    expect(seen).not.toHaveProperty('te')
    expect(answer.headers).toMatchObject({ 'x-kept': 'yes' })
    expect(answer.headers['keep-alive']).not.toBe('timeout=77')
  })

  it('answers 503 with the contract’s body when the API is unavailable', async () => {
    const apiUrl = new URL(`http://127.0.0.1:${await findFreePort()}`)
    const port = await listenAsEdge(createEdge({ apiUrl, uploadsAtOnce: 1, log: vi.fn() }))

    const answer = await ask(port, '/x')

    expect(answer.statusCode).toBe(503)
    expect(JSON.parse(await text(answer))).toEqual({
      errorCode: 'APPE-internal-server-error',
      message: expect.any(String),
      details: expect.objectContaining({ type: 'server', exceptionMessage: null }),
    })
  })

  it('aborts its request when the client disconnects', async () => {
    const aborted = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    const port = await anEdge((_, response) => {
      response.on('close', () => aborted.resolve())
      arrived.resolve()
    })
    const outgoing = request({ host: '127.0.0.1', port, path: '/x' }).end()
    outgoing.on('error', () => undefined)
    await arrived.promise

    outgoing.destroy()

    await expect(aborted.promise).resolves.toBeUndefined()
  })

  it('aborts a response when the connection to the API breaks', async () => {
    const port = await anEdge((_, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half')
      setImmediate(() => response.destroy())
    })

    const answer = await ask(port, '/x')

    await expect(text(answer)).rejects.toThrow()
  })
})

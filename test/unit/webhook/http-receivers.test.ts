import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import { describe, expect, it } from 'vitest'
import { guardedLookup } from '../../../src/shared/guarded-address.ts'
import { createHttpReceivers } from '../../../src/webhook/http-receivers.ts'

/** Calls `use` with the port of a server on this machine. */
async function withServer(listener: RequestListener, use: (port: number) => Promise<void>): Promise<void> {
  const server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    await use((server.address() as AddressInfo).port)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const post = (url: string, options: Partial<Parameters<typeof createHttpReceivers>[0]> = {}) =>
  createHttpReceivers({ networks: 'local', ...options }).post(url, { 'webhook-id': '1' }, '{}')

describe('a receiver', () => {
  it('gets body and headers of the event, and no other headers', async () => {
    const seen: unknown[] = []
    await withServer(
      (request, response) => {
        request.on('data', (chunk) => seen.push(String(chunk)))
        request.on('end', () => {
          const { host: _, ...headers } = request.headers
          seen.push(request.method, headers)
          response.writeHead(204).end()
        })
      },
      async (port) => {
        expect(await post(`http://127.0.0.1:${port}/hook`)).toBe(204)
      },
    )

    expect(seen).toEqual([
      '{}',
      'POST',
      { 'webhook-id': '1', 'content-length': '2', 'user-agent': 'cytomine-app-engine', connection: 'close' },
    ])
  })

  it('cannot redirect the request', async () => {
    const paths: unknown[] = []
    await withServer(
      (request, response) => {
        paths.push(request.url)
        response.writeHead(307, { location: '/elsewhere' }).end()
      },
      async (port) => {
        expect(await post(`http://127.0.0.1:${port}/hook`)).toBe(307)
      },
    )

    expect(paths).toEqual(['/hook'])
  })

  it('cannot delay the function by a response that does not end', async () => {
    const drip: RequestListener = (_, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write('x'), 5)
      response.on('close', () => clearInterval(timer))
    }
    await withServer(drip, async (port) => {
      await expect(post(`http://127.0.0.1:${port}/`, { longestMs: 100 })).rejects.toThrow()
    })
  })

  it('cannot exhaust the memory, because only 64 KiB of a response are read', async () => {
    let sent = 0
    const flood: RequestListener = (_, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536
      }
      response.on('drain', write)
      write()
    }
    await withServer(flood, async (port) => {
      expect(await post(`http://127.0.0.1:${port}/`)).toBe(200)
    })

    expect(sent).toBeLessThan(64 * 1024 * 1024)
  })

  it.each([
    ['the scheme is neither HTTP nor HTTPS', 'ftp://127.0.0.1/'],
    ['it has the port of the runtime API', 'http://localhost:9001/2018-06-01/runtime/invocation/next'],
    ['it is the metadata address', 'http://169.254.169.254/'],
  ])('is not called when %s', async (_, url) => {
    await expect(post(url, { runtimeApi: '127.0.0.1:9001' })).rejects.toMatchObject({
      code: 'ERR_REFUSED_ADDRESS',
    })
  })

  it('is not called on AWS when its name resolves to this machine', async () => {
    let requests = 0
    await withServer(
      (_, response) => {
        requests += 1
        response.end()
      },
      async (port) => {
        await expect(post(`https://localhost:${port}/`, { networks: 'public' })).rejects.toMatchObject({
          code: 'ERR_REFUSED_ADDRESS',
        })
      },
    )

    expect(requests).toBe(0)
  })

  it('is called at the checked address, whatever its name resolves to later', async () => {
    const answers = ['127.0.0.1', '169.254.169.254']
    const dns = (_name: string, _options: object, callback: (error: null, found: object[]) => void) =>
      callback(null, [{ address: answers.shift(), family: 4 }])
    const lookup: LookupFunction = guardedLookup('local', dns as never)
    await withServer(
      (_, response) => void response.end(),
      async (port) => {
        expect(await post(`http://rebinding.example.org:${port}/`, { lookup })).toBe(200)
        await expect(post(`http://rebinding.example.org:${port}/`, { lookup })).rejects.toMatchObject({
          code: 'ERR_REFUSED_ADDRESS',
        })
      },
    )
  })
})

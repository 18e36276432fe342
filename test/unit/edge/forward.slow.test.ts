import { once } from 'node:events'
import { type IncomingMessage, type RequestListener, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it, vi } from 'vitest'
import { createEdge } from '../../../edge/edge.ts'
import { listen, listenAsEdge } from './fake-service.ts'

/** Starts an edge before this API, and returns its port. */
async function anEdge(api: RequestListener): Promise<number> {
  const port = await listen(api)
  const apiUrl = new URL(`http://127.0.0.1:${port}/restapis/id/api/`)
  return listenAsEdge(createEdge({ apiUrl, uploadsAtOnce: 1, log: vi.fn() }))
}

describe('the edge', () => {
  it('forwards many megabytes in both directions', async () => {
    const body = Buffer.alloc(12 * 1024 * 1024, 'body')
    const port = await anEdge((incoming, response) => void incoming.pipe(response))
    const outgoing = request({ host: '127.0.0.1', port, path: '/x', method: 'POST' }).end(body)

    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]

    expect((await buffer(answer)).equals(body)).toBe(true)
  })
})

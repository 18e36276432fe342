import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exchange, startRequest } from '../../../src/shared/http.ts'

let server: Server
beforeAll(async () => {
  server = createServer(async (request, response) => response.end(await text(request)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => server.close())

function* pieces(): Generator<Uint8Array> {
  for (const word of ['one', 'two']) yield Buffer.from(word)
}

function put(signal: AbortSignal) {
  const { port } = server.address() as AddressInfo
  return startRequest(new URL(`http://127.0.0.1:${port}/`), { method: 'PUT', signal })
}

describe('an exchange with a streamed body', () => {
  it('sends the pieces in order', async () => {
    const { status, body } = await exchange(put(new AbortController().signal), pieces())

    expect([status, body.toString()]).toEqual([200, 'onetwo'])
  })

  it.each([
    ['a generator', pieces()],
    ['a stream', Readable.from(pieces())],
  ])('fails at once if its signal is aborted before, and closes %s', async (_, body) => {
    await expect(exchange(put(AbortSignal.abort()), body)).rejects.toThrow('aborted')

    expect(body instanceof Readable ? body.destroyed : true).toBe(true)
  })
})

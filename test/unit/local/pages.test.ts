import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { answerPage, isOfPage } from '../../../local/storage/pages.ts'

const PAGE = 'http://127.0.0.1:8080'

async function aStore(): Promise<string> {
  const server = createServer((request, response) => {
    if (!answerPage(request, response, [PAGE])) response.end(String(isOfPage(request, [PAGE])))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return `http://127.0.0.1:${address.port}/object`
}

it('the object storage allows the page to read objects and ranges of them', async () => {
  const { headers } = await fetch(await aStore(), { headers: { origin: PAGE } })

  expect(headers.get('access-control-allow-origin')).toBe(PAGE)
  expect(headers.get('access-control-expose-headers')).toContain('content-range')
})

it('the object storage answers the page’s preflight request for a write', async () => {
  const answer = await fetch(await aStore(), { method: 'OPTIONS', headers: { origin: PAGE } })

  expect([answer.status, answer.headers.get('access-control-allow-methods')]).toEqual([204, 'GET, HEAD, PUT'])
})

it.each(['http://127.0.0.1:8081', 'http://evil.example', 'null'])(
  'the object storage sends no CORS header to a page of %s',
  async (origin) => {
    const answer = await fetch(await aStore(), { method: 'OPTIONS', headers: { origin } })

    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    expect(await answer.text()).toBe('false')
  },
)

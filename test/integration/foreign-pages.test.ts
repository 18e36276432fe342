import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { describe, expect, inject, it } from 'vitest'

const EVIL = 'http://evil.example'

/** HTTP ports of the local stack, each with a call that programs may make. */
const PARTS = [
  ['edge', () => inject('baseUrl'), 'GET', 'tasks'],
  ['emulator', () => inject('emulatorUrl'), 'GET', '/2015-03-31/functions/'],
  ['object store', () => inject('storageUrl'), 'PUT', `/${inject('bucketName')}/of-a-page`],
  ['Batch server', () => inject('batchUrl'), 'POST', '/v1/listjobs'],
] as const

const HEADERS: readonly Readonly<Record<string, string>>[] = [
  { Origin: EVIL },
  { Origin: 'null', 'Sec-Fetch-Site': 'cross-site' },
  { 'Sec-Fetch-Site': 'same-site' },
  { Host: 'evil.example', Origin: EVIL, 'Sec-Fetch-Site': 'same-origin' },
  { Host: 'localhost.evil.example' },
]

async function send(url: URL, method: string, headers: Readonly<Record<string, string>> = {}) {
  const [answer] = (await once(request(url, { method, headers }).end(), 'response')) as [IncomingMessage]
  answer.resume()
  return answer
}

describe.each(PARTS)('the port of the %s', (_, base, method, path) => {
  it.each(HEADERS)('refuses the request of a web page, with the headers %o', async (headers) => {
    const answer = await send(new URL(path, base()), method, headers)

    expect(answer.statusCode).toBe(403)
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
  })

  it('allows no origin in a CORS preflight', async () => {
    const asked = { Origin: EVIL, 'Access-Control-Request-Method': 'PUT' }

    const { headers } = await send(new URL(path, base()), 'OPTIONS', asked)

    expect(headers).not.toHaveProperty('access-control-allow-origin')
  })
})

it('the emulator accepts calls of programs', async () => {
  const { statusCode } = await send(new URL('/2015-03-31/functions/', inject('emulatorUrl')), 'GET')

  expect(statusCode).toBe(200)
})

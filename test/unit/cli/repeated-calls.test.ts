import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { ServiceLostError } from '../../../cli/service/answer.ts'
import { createRepeatingFetch, newKey, PAUSES_MS } from '../../../cli/service/repeating-fetch.ts'
import { openService } from '../../../cli/service/service.ts'
import { createUploadClient, UploadBrokenError } from '../../../cli/upload-client.ts'
import { KEY_LEASE_SECONDS } from '../../../src/contract/idempotency.ts'
import { anEngineWith, serveEngine } from '../../fixtures/served-engine.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

const PAUSES = [1, 1]
const NAMED = z.object({ id: z.string() })
const RUNS = 'tasks/com.example.count/1.0.0/runs'

afterEach(closeWebServers)

const serviceAt = (url: string) => openService({ url, auth: 'none', pausesMs: PAUSES })

/** Loses the responses to the first calls that match a pattern. */
function losing(pattern: RegExp, count = 1): (call: string) => boolean {
  let left = count
  return (call) => {
    if (!pattern.test(call) || left === 0) return false
    left -= 1
    return true
  }
}

describe('a call whose response is lost', () => {
  it('creates one run, because both attempts have the same key', async () => {
    const engine = await anEngineWith({})
    const { url, calls } = await serveEngine(engine, losing(/^POST/u))
    const service = await serviceAt(url)

    const first = await service.json(RUNS, NAMED, { method: 'POST', isRepeatable: true })
    const second = await service.json(RUNS, NAMED, { method: 'POST', isRepeatable: true })

    const keys = calls.map(({ key }) => key)
    expect(keys[0]).toBeDefined()
    expect(keys[1]).toBe(keys[0])
    expect(keys[2]).not.toBe(keys[0])
    const runs = await engine.runs.listByTask(engine.task.id)
    expect(runs.map(({ id }) => id).sort()).toEqual([first, second].map(({ id }) => id).sort())
  })

  it('creates one upload', async () => {
    const { url, calls } = await serveEngine(await anEngineWith({}), losing(/^POST uploads/u))
    const client = createUploadClient(url, { pausesMs: PAUSES })

    await client.create({ purpose: 'input', fileName: 'a', sizeBytes: 5 })

    expect(calls.map(({ call }) => call)).toEqual(['POST uploads', 'POST uploads'])
    expect(new Set(calls.map(({ key }) => key)).size).toBe(1)
  })

  it('is repeated when it reads', async () => {
    const { url, calls } = await serveEngine(await anEngineWith({}), losing(/^GET/u, 2))

    await (await serviceAt(url)).json('tasks', z.unknown())

    expect(calls).toHaveLength(3)
  })

  it('is not repeated when it would create a second run', async () => {
    const { url, calls } = await serveEngine(await anEngineWith({}), losing(/^POST/u))
    const service = await serviceAt(url)

    await expect(service.call(RUNS, { method: 'POST' })).rejects.toThrow(ServiceLostError)

    expect(calls).toHaveLength(1)
  })

  it('is repeated for longer than the key of a killed call is locked', () => {
    const seconds = PAUSES_MS.reduce((sum, pauseMs) => sum + pauseMs, 0) / 1000

    expect(seconds).toBeGreaterThan(KEY_LEASE_SECONDS)
  })

  it('fails after the last attempt', async () => {
    const { url, calls } = await serveEngine(await anEngineWith({}), () => true)

    await expect((await serviceAt(url)).json('tasks', z.unknown())).rejects.toThrow(/^nothing answers at /u)

    expect(calls).toHaveLength(PAUSES.length + 1)
  })
})

describe('a response', () => {
  it('that is cut off is requested again', async () => {
    let count = 0
    const { href } = await aWebServer((_, response) => {
      count += 1
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 6 })
      if (count > 1) response.end('[1, 2]')
      else response.write('[1', () => response.destroy())
    })

    expect(await (await serviceAt(href)).json('tasks', z.unknown())).toEqual([1, 2])
  })

  it.each([
    ['an unavailable service', 503, {}],
    ['throttling', 429, {}],
    ['a concurrent call with the same key', 409, { 'retry-after': '0' }],
  ])('because of %s leads to another attempt', async (_, status, headers) => {
    let count = 0
    const { href } = await aWebServer((_request, response) => {
      count += 1
      response.writeHead(count === 1 ? status : 200, { 'content-type': 'application/json', ...headers })
      response.end('{}')
    })

    await (await serviceAt(href)).json('run-sets', z.unknown(), { method: 'POST', isRepeatable: true })

    expect(count).toBe(2)
  })

  it('that refuses a call is final', async () => {
    let count = 0
    const { href } = await aWebServer((_request, response) => {
      count += 1
      response.writeHead(409, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ message: 'taken' }))
    })

    await expect((await serviceAt(href)).json('tasks', z.unknown())).rejects.toThrow('taken')

    expect(count).toBe(1)
  })
})

describe('an address without a listener', () => {
  /** A port that was free until now. */
  async function anEmptyAddress(): Promise<string> {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    return `http://127.0.0.1:${port}/`
  }

  it('is reported at once', async () => {
    const url = await anEmptyAddress()
    const patient = { callApi: fetch, pausesMs: [3_600_000] }

    const asked = openService({ url, auth: 'none', pausesMs: patient.pausesMs })
    await expect(asked.then((service) => service.json('tasks', z.unknown()))).rejects.toThrow(/ECONNREFUSED/u)
    const client = createUploadClient(url, patient)
    await expect(client.create({ purpose: 'task', fileName: 'a' })).rejects.toThrow(UploadBrokenError)
  })

  it('is retried when the service has answered there before', async () => {
    const refused = new TypeError('fetch failed', {
      cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
    })
    const ends = [new Response('1'), refused, new Response('2')]
    const call = createRepeatingFetch(async () => {
      const end = ends.shift()
      if (end instanceof Response) return end
      throw end
    }, PAUSES)

    await call('http://service/')

    expect(await (await call('http://service/', { method: 'POST', headers: newKey() })).text()).toBe('2')
  })
})

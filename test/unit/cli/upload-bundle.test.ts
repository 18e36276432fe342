import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { uploadBundle } from '../../../cli/upload-bundle.ts'
import { createUploadClient, UploadBrokenError, UploadRefusedError } from '../../../cli/upload-client.ts'
import { createProgress } from '../../../src/shared/progress.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

const PART_BYTES = 10
const BYTES = Buffer.from('0123456789abcdefghijABCDEFGHIJ+-*/')
const ID = '0f0f0f0f-0000-4000-8000-000000000000'
const TASK = { namespace: 'com.example.task', version: '1.0.0' }

let folder: string
let bundle: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'upload-'))
  bundle = join(folder, 'bundle.zip')
  await writeFile(bundle, BYTES)
})

afterEach(async () => {
  closeWebServers()
  await rm(folder, { recursive: true })
})

/** The service and its storage on one server; `answer` may replace any response. */
async function aService(partSizeBytes = PART_BYTES) {
  const parts = new Map<number, Buffer>()
  const calls: string[] = []
  let written: string[] = []
  let upload: Record<string, unknown> | undefined
  let ending: readonly object[] = [{ state: 'READY', task: TASK }]
  let interfere: ((call: string, response: ServerResponse) => boolean) | undefined

  function view(changes: object = {}): object {
    upload = { ...upload, ...changes }
    return upload
  }

  async function answer(request: IncomingMessage): Promise<unknown> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
    const body = await buffer(request)
    const path = pathname.replace('/v1/', '')
    if (request.method === 'PUT') parts.set(Number(searchParams.get('number')), body)
    if (request.method === 'PUT') return undefined
    if (path === 'uploads') {
      parts.clear()
      const open = { id: ID, state: 'CREATED', partSizeBytes, progress: null }
      return view({ ...open, task: null, error: null, ...JSON.parse(String(body)) })
    }
    if (path.endsWith('/parts')) {
      return { parts: [...parts].map(([partNumber, bytes]) => ({ partNumber, sizeBytes: bytes.length })) }
    }
    if (path.endsWith('/part-urls')) {
      const { first } = JSON.parse(String(body)) as { readonly first: number }
      const { href } = new URL(`/storage?number=${first}`, `http://${request.headers.host}`)
      return { expiresAt: '2026-01-01T00:00:00.000Z', parts: [{ partNumber: first, url: href }] }
    }
    if (path.endsWith('/complete')) return view({ partSizeBytes: null })
    if (request.method === 'DELETE') {
      upload = undefined
      return undefined
    }
    if (upload?.partSizeBytes === null && ending.length > 0) {
      const [next = {}, ...rest] = ending
      ending = rest
      view(next)
    }
    return upload
  }

  const url = await aWebServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
    const call = `${request.method} ${pathname.replace('/v1/', '')}${searchParams.get('number') ?? ''}`
    calls.push(call)
    if (interfere?.(call, response)) return
    const body = await answer(request)
    if (body === undefined && call.startsWith('GET')) response.statusCode = 404
    const missing = { message: 'Upload not found.', details: { type: 'empty' } }
    response.end(body === undefined && !call.startsWith('GET') ? '' : JSON.stringify(body ?? missing))
  })
  const baseUrl = new URL('v1/', url).href
  const client = createUploadClient(baseUrl, { pausesMs: [1, 1] })
  return {
    parts,
    calls,
    client,
    end: (...states: readonly object[]) => {
      ending = states
    },
    interfere: (how: typeof interfere) => {
      interfere = how
    },
    forget: () => {
      upload = undefined
    },
    written: () => written.join(''),
    run: async () => {
      written = []
      const progress = createProgress({ isTTY: true, write: (text) => written.push(text) }, () => 0)
      const uploaded = uploadBundle({ bundle, url: baseUrl, client, progress, pollMs: 1 })
      const outcome = uploaded.then(({ task }) => task)
      return { outcome: await outcome.catch((error: unknown) => error), written: written.join('') }
    },
  }
}

type Service = Awaited<ReturnType<typeof aService>>

const sent = (service: Service): string =>
  String(Buffer.concat([...service.parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes)))
const partsSent = (calls: readonly string[]) => calls.filter((call) => call.startsWith('PUT')).sort()
const isPart = (number: number) => (call: string) => call === `PUT /storage${number}`

describe('uploading a bundle', () => {
  it('sends all parts, waits for the import, and leaves no file beside the bundle', async () => {
    const service = await aService()
    const progress = { layers: 2, layersDone: 1, bytes: 10, bytesDone: 5 }
    service.end({ state: 'VALIDATING' }, { state: 'PUSHING', progress }, { state: 'READY', task: TASK })

    const { outcome, written } = await service.run()

    expect(outcome).toBe('com.example.task 1.0.0')
    expect(sent(service)).toBe(String(BYTES))
    expect(written).toMatch(/send 34 B of 34 B: 100 %, [\d.]+ k?B\/s, 0 s left/u)
    expect(written).toContain('import: checking the bundle')
    expect(written).toContain('import: 1 of 2 layers, 50 % of 10 B')
    expect(await readdir(folder)).toEqual(['bundle.zip'])
  })

  it('shows rate and time left while the first part is being sent', async () => {
    const bytes = 5_000_000
    const service = await aService(bytes)
    await writeFile(bundle, Buffer.alloc(bytes))
    let held: ServerResponse | undefined
    service.interfere((call, response) => {
      if (!isPart(1)(call)) return false
      response.req.resume()
      held = response
      return true
    })
    const running = service.run()

    // Storage answers only after this.
    await expect
      .poll(() => service.written(), { timeout: 20_000 })
      .toMatch(/send 5\.0 MB of 5\.0 MB: \d+ %, [\d.]+ [kMG]?B\/s, [\d.]+ (?:s|min|h).* left/u)
    // The client counts bytes that the system has taken, perhaps before the server has the request.
    await expect.poll(() => held, { timeout: 20_000 }).toBeDefined()
    held?.end()

    expect((await running).outcome).toBe('com.example.task 1.0.0')
  })

  it('shows the warnings of the import', async () => {
    const service = await aService()
    const warnings = [
      { message: 'inputs.a.gte has no effect: did you mean geq? (line 3, column 5)', line: 3 },
    ]
    service.end({ state: 'READY', task: TASK, warnings })

    const { outcome, written } = await service.run()

    expect(outcome).toBe('com.example.task 1.0.0')
    expect(written).toContain('warning: inputs.a.gte has no effect: did you mean geq? (line 3, column 5)')
  })

  it('retries an interrupted part', async () => {
    const service = await aService()
    let broken = 0
    service.interfere((call, response) => {
      if (!isPart(2)(call) || broken === 2) return false
      broken += 1
      if (broken === 1) response.destroy()
      else response.writeHead(403).end('Request has expired')
      return true
    })

    const { outcome, written } = await service.run()

    expect(outcome).toBe('com.example.task 1.0.0')
    const shares = [...written.matchAll(/: (\d+) %/gu)].map(([, share]) => Number(share))
    expect(Math.max(...shares)).toBe(100)
    expect(partsSent(service.calls)).toHaveLength(6)
    expect(sent(service)).toBe(String(BYTES))
  })

  it('resumes when it is called again', async () => {
    const service = await aService()
    service.interfere((call, response) => isPart(3)(call) && response.writeHead(503).end() !== undefined)
    const first = await service.run()
    const arrived = [...service.parts.keys()]
    service.interfere(undefined)
    service.calls.length = 0

    const second = await service.run()

    expect(first.outcome).toBeInstanceOf(UploadBrokenError)
    expect(String(first.outcome)).toContain('part 3: storage answered 503')
    expect(arrived).not.toContain(3)
    expect(second.outcome).toBe('com.example.task 1.0.0')
    expect(second.written).toContain(`resuming upload ${ID}`)
    expect(service.calls).not.toContain('POST uploads')
    const missing = [1, 2, 3, 4].filter((number) => !arrived.includes(number))
    expect(partsSent(service.calls)).toEqual(missing.map((number) => `PUT /storage${number}`))
    expect(sent(service)).toBe(String(BYTES))
  })

  it('resumes an import whose end it did not see', async () => {
    const service = await aService()
    service.interfere((call, response) => call === `GET uploads/${ID}` && response.destroy() !== undefined)
    const first = await service.run()
    service.interfere(undefined)
    service.calls.length = 0

    const second = await service.run()

    expect(first.outcome).toBeInstanceOf(UploadBrokenError)
    expect(second.outcome).toBe('com.example.task 1.0.0')
    expect(new Set(service.calls)).toEqual(new Set([`GET uploads/${ID}`]))
  })

  it.each([
    ['its import has failed', { state: 'FAILED', error: { message: 'the registry is away' } }],
    ['its task has been deleted', { state: 'READY', task: null }],
  ])('starts over when %s since the interruption', async (_, end) => {
    const service = await aService()
    service.interfere((call, response) => call === `GET uploads/${ID}` && response.destroy() !== undefined)
    await service.run()
    service.interfere(undefined)
    service.calls.length = 0
    service.end(end, { state: 'READY', task: TASK })

    const { outcome } = await service.run()

    expect(outcome).toBe('com.example.task 1.0.0')
    expect(partsSent(service.calls)).toHaveLength(4)
  })

  it('reports no success when the task was deleted during the import', async () => {
    const service = await aService()
    service.end({ state: 'READY', task: null })

    const { outcome } = await service.run()

    expect(outcome).toBeInstanceOf(UploadRefusedError)
    expect(String(outcome)).toContain('has been deleted since by another call')
  })

  it.each([
    ['the service no longer has the upload', (service: Service) => service.forget(), false],
    ['the file has changed', () => utimes(bundle, 1, 1), true],
  ])('starts over when %s', async (_, happen, isAborted) => {
    const service = await aService()
    service.interfere((call, response) => isPart(4)(call) && response.writeHead(503).end() !== undefined)
    await service.run()
    service.interfere(undefined)
    await happen(service)
    service.calls.length = 0

    const { outcome } = await service.run()

    expect(outcome).toBe('com.example.task 1.0.0')
    expect(partsSent(service.calls)).toHaveLength(4)
    expect(service.calls.includes(`DELETE uploads/${ID}`)).toBe(isAborted)
  })

  it('reports at once that the parts have expired, and starts over in the next call', async () => {
    const service = await aService()
    service.interfere((call, response) => isPart(1)(call) && response.writeHead(404).end() !== undefined)

    const { outcome } = await service.run()

    expect(outcome).toBeInstanceOf(UploadRefusedError)
    expect(String(outcome)).toContain('start over')
    expect(await readdir(folder)).toEqual(['bundle.zip'])
  })

  it('ends with the message of a failed import', async () => {
    const service = await aService()
    const details = {
      type: 'batch',
      errors: [
        { message: 'name is missing', details: { type: 'empty' } },
        { message: 'must be text', details: { type: 'parameter', parameterName: 'version' } },
        { message: 'x', details: { type: 'related', parameterName: 'image', description: 'no such file' } },
      ],
    }
    service.end({ state: 'FAILED', error: { message: 'Schema validation failed', details, status: 400 } })

    const { outcome } = await service.run()

    expect(outcome).toBeInstanceOf(UploadRefusedError)
    expect((outcome as Error).message).toBe(
      [
        'Schema validation failed',
        '  name is missing',
        '  version: must be text',
        '  x',
        '    image: no such file',
      ].join('\n'),
    )
    expect(await readdir(folder)).toEqual(['bundle.zip'])
  })

  it('reports at once when the service does not answer', async () => {
    const service = await aService()
    closeWebServers()

    const { outcome } = await service.run()

    expect(String(outcome)).toContain('POST uploads: fetch failed')
  })

  it('refuses an empty file', async () => {
    const service = await aService()
    await writeFile(bundle, '')

    const { outcome } = await service.run()

    expect(String(outcome)).toContain('is empty')
    expect(service.calls).toEqual([])
  })
})

describe('sending a part', () => {
  it.each([
    ['before its URL has arrived', (call: string) => call.endsWith('/part-urls'), 0],
    ['while it is being sent', isPart(1), 1],
  ])('ends when the upload is stopped %s', async (_, isMoment, puts) => {
    const service = await aService()
    const stopping = new AbortController()
    service.interfere((call) => {
      if (isMoment(call)) stopping.abort(new Error('stopped'))
      // The response to the part is withheld.
      return isPart(1)(call)
    })

    const sending = service.client.sendPart(ID, { number: 1, bytes: new Uint8Array(5) }, stopping.signal)

    await expect(sending).rejects.toThrow('stopped')
    expect(partsSent(service.calls)).toHaveLength(puts)
  })
})

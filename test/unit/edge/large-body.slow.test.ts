import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it, vi } from 'vitest'
import { SMALL_BODY_BYTES } from '../../../edge/limits.ts'
import { aForm, aService, BOUNDARY, begin, type FakeService, type SeenCall, send } from './fake-service.ts'

const MIB = 1024 * 1024
const LARGE = randomBytes(5 * MIB)
const PROVISION = 'task-runs/10f8/input-provisions/image'
const A_FILE = { fileName: 'filename="a.tmp"', content: LARGE }

/** The last call to the API other than uploads, which carries the client's request. */
function askedWith({ calls }: FakeService): SeenCall & { readonly json: unknown } {
  const call = calls.findLast(({ url }) => !url.includes('/uploads'))
  if (call === undefined) throw new Error('the API was not asked')
  return { ...call, json: JSON.parse(call.body.toString()) }
}

/** Body of an import or of an error; the tests compare the status. */
const AN_IMPORT = { id: '5f0f1c0e-7c55-4a6b-9f0e-4f2b8a7c9d10', errorCode: 'x', message: 'y' }

const idsOf = ({ uploads }: FakeService): string[] => [...uploads.keys()]

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** A request that stays open after its first part is in the bucket. */
async function aHalfSent(service: FakeService, path = 'tasks') {
  const outgoing = begin(service.port, path)
  outgoing.write(aForm([A_FILE]).subarray(0, SMALL_BODY_BYTES + MIB / 2))
  await vi.waitFor(() => expect([...service.uploads.values()][0]?.parts.size).toBeGreaterThan(0))
  return outgoing
}

describe('a body within the API’s limit', () => {
  it('is forwarded unchanged, with its length', async () => {
    const service = await aService()
    const body = aForm([{ ...A_FILE, content: 'small' }])

    const { status } = await send(service.port, 'tasks', body)

    expect(status).toBe(200)
    expect(service.calls).toEqual([
      expect.objectContaining({ method: 'POST', url: '/base/app-engine/v1/tasks', body }),
    ])
    expect(service.calls[0]?.headers).toMatchObject({
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      'content-length': String(body.length),
    })
  })

  it.each([
    { name: 'at the limit', extra: 0, uploads: 0 },
    { name: 'above the limit by one byte', extra: 1, uploads: 1 },
  ])('is forwarded $name with $uploads uploads', async ({ extra, uploads }) => {
    const service = await aService()
    const overhead = aForm([{ ...A_FILE, content: '' }]).length
    const content = randomBytes(SMALL_BODY_BYTES - overhead + extra)

    for (const headers of [{}, { 'content-length': String(SMALL_BODY_BYTES + extra) }]) {
      await send(service.port, PROVISION, aForm([{ ...A_FILE, content }]), { headers })
    }

    expect(service.uploads.size).toBe(2 * uploads)
    expect(service.stored().every((bytes) => bytes.equals(content))).toBe(true)
  })

  it('is sent again when the API closed the idle connection, unless it is a bundle', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let requests = 0
    const service = await aService({
      onCall(_, response) {
        requests += 1
        if (requests % 2 === 1) response.end()
        else response.destroy()
        if (requests === 4) resolve()
      },
    })

    await send(service.port, PROVISION, aForm([{ ...A_FILE, content: 'x' }]))
    const provision = await send(service.port, PROVISION, aForm([{ ...A_FILE, content: 'x' }]))
    const bundle = await send(service.port, 'tasks', aForm([{ ...A_FILE, content: 'x' }]))
    await promise

    expect([provision.status, bundle.status]).toEqual([200, 503])
  })
})

describe('an import that takes longer than its call', () => {
  it.each([
    { path: 'tasks/com.a/1.0.0/install', type: 'application/json' },
    { path: 'tasks', type: `multipart/form-data; boundary=${BOUNDARY}` },
  ])('is polled: $path', async ({ path, type }) => {
    const statuses = [202, 202, 200]
    const service = await aService({
      onCall: (_, response) => answer(response, statuses.shift() ?? 500, AN_IMPORT),
    })

    const { status } = await send(service.port, path, Buffer.from('small'), {
      headers: { 'content-type': type },
    })

    expect(status).toBe(200)
    // Without this header the API would answer with an error after half a minute.
    expect(service.calls[0]?.headers.prefer).toBe('respond-async')
    const [first, ...further] = service.calls.map(({ url, body }) => ({ url, body: body.toString() }))
    expect(first).toEqual({ url: `/base/app-engine/v1/${path}`, body: 'small' })
    const again = { url: '/base/app-engine/v1/tasks', body: JSON.stringify({ uploadId: AN_IMPORT.id }) }
    expect(further).toEqual([again, again])
  })

  it('is not polled by the edge when the client sent an upload id', async () => {
    const service = await aService({ onCall: (_, response) => answer(response, 202, AN_IMPORT) })
    const body = Buffer.from(JSON.stringify({ uploadId: AN_IMPORT.id }))

    const { status } = await send(service.port, 'tasks', body, {
      headers: { 'content-type': 'application/json' },
    })

    expect(status).toBe(202)
  })

  it('is no longer polled after the client has disconnected', async () => {
    const service = await aService({ onCall: (_, response) => answer(response, 202, AN_IMPORT) })
    const outgoing = begin(service.port, 'tasks/com.a/1.0.0/install').end()
    await vi.waitFor(() => expect(service.calls.length).toBeGreaterThan(2))

    outgoing.destroy()

    await vi.waitFor(() => expect(service.log.join()).toContain('the client disconnected'))
    await expect(service.edge.settled()).resolves.toBeUndefined()
  })
})

describe('a body above the API’s limit', () => {
  it('is uploaded in parts of the API’s size, and the client gets the API’s response', async () => {
    const service = await aService({
      onCall: (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'x-of-api': 'yes' }).end('{ "id": 1 }')
      },
    })

    const { status, headers, body } = await send(service.port, 'tasks', aForm([A_FILE]))

    expect({ status, body }).toEqual({ status: 200, body: '{ "id": 1 }' })
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-of-api': 'yes' })
    const [upload] = service.uploads.values()
    expect(upload?.description).toEqual({ purpose: 'task', fileName: 'a.tmp' })
    expect([...(upload?.parts.values() ?? [])].map(({ length }) => length)).toEqual(Array(5).fill(MIB))
    expect(service.stored()[0]?.equals(LARGE)).toBe(true)
    const asked = askedWith(service)
    expect(asked.json).toEqual({ uploadId: upload?.id })
    expect(asked.headers).toMatchObject({ 'content-type': 'application/json' })
  })

  it.each(['POST', 'PUT'])(
    'is replaced in a request with the same method %s, path, query and other headers',
    async (method) => {
      const service = await aService()

      await send(service.port, `${PROVISION}/indexes?value=2%2F0&x=1`, aForm([A_FILE]), {
        method,
        headers: { 'x-request': '7', 'content-md5': 'of the body' },
      })

      const asked = askedWith(service)
      expect(asked).toMatchObject({ method, url: `/base/app-engine/v1/${PROVISION}/indexes?value=2%2F0&x=1` })
      expect(asked.headers).toMatchObject({ 'x-request': '7' })
      expect(asked.headers).not.toHaveProperty('content-md5')
      expect([...service.uploads.values()][0]?.description.purpose).toBe('input')
    },
  )

  it('may have a companion as second file, and a third file is ignored', async () => {
    const service = await aService()
    const companion = { name: 'location', fileName: 'filename="7.geojson"', content: '{"type":"Point"}' }
    const third = { name: 'more', fileName: 'filename="c"', content: 'third' }

    await send(service.port, PROVISION, aForm([A_FILE, companion, third]))

    const [uploadId, companionUploadId] = idsOf(service)
    expect(askedWith(service).json).toEqual({ uploadId, companionUploadId })
    expect(service.stored().map(({ length }) => length)).toEqual([LARGE.length, 16])
    expect(service.stored()[1]?.toString()).toBe('{"type":"Point"}')
  })

  it('may be an empty file with a large companion', async () => {
    const service = await aService()

    await send(service.port, PROVISION, aForm([{ ...A_FILE, content: '' }, A_FILE]))

    expect(service.stored().map(({ length }) => length)).toEqual([0, LARGE.length])
    expect([...service.uploads.values()][0]?.parts.size).toBe(1)
  })

  it('is read without form fields after the file, and without further parts of a bundle', async () => {
    const service = await aService()

    await send(service.port, PROVISION, aForm([A_FILE, { content: 'field' }]))
    await send(service.port, 'tasks', aForm([A_FILE, A_FILE]))

    expect(service.stored().map(({ length }) => length)).toEqual([LARGE.length, LARGE.length])
  })

  it.each([
    { path: PROVISION, method: 'PUT' },
    { path: 'task-runs/10f8/input-provisions', method: 'PUT' },
    { path: `${PROVISION}/indexes?value=0`, method: 'PUT' },
  ])('is uploaded as a whole when it is JSON: $method $path', async ({ path, method }) => {
    const service = await aService()
    const headers = { 'content-type': 'application/json' }

    await send(service.port, path, LARGE, { method, headers })

    expect([...service.uploads.values()].map(({ description }) => description)).toEqual([
      { purpose: 'input', contentType: 'application/json' },
    ])
    expect(service.stored()[0]?.equals(LARGE)).toBe(true)
    expect(askedWith(service).json).toEqual({ uploadId: idsOf(service)[0] })
  })

  it('is answered when the import has ended', async () => {
    const statuses = [202, 202, 202, 409]
    const service = await aService({
      onCall: (_, response) => answer(response, statuses.shift() ?? 500, AN_IMPORT),
    })

    const { status, body } = await send(service.port, 'tasks', aForm([A_FILE]))

    expect(status).toBe(409)
    expect(JSON.parse(body)).toEqual(AN_IMPORT)
    expect(statuses).toEqual([])
  })

  it('is polled again after a failure of the gateway', async () => {
    const statuses = [504, 429, 200]
    const service = await aService({
      onCall: (_, response) => answer(response, statuses.shift() ?? 500, { message: 'gateway' }),
    })

    const { status } = await send(service.port, PROVISION, aForm([A_FILE]))

    expect(status).toBe(200)
  })

  it('leaves no upload when the API refuses the request', async () => {
    const service = await aService({
      onCall: (_, response) => answer(response, 404, { errorCode: 'APPE-x', message: 'no run', details: {} }),
    })

    const { status, body } = await send(service.port, PROVISION, aForm([A_FILE]))
    await service.edge.settled()

    expect(status).toBe(404)
    expect(JSON.parse(body)).toEqual({ errorCode: 'APPE-x', message: 'no run', details: {} })
    expect(service.stored().length).toBe(0)
    expect(service.left().length).toBe(0)
  })
})

describe('parts', () => {
  it('are retried after an error or a broken connection, with a new URL when theirs has expired', async () => {
    const puts: unknown[] = []
    const service = await aService({
      onPart({ partNumber, attempt, generation }) {
        if (partNumber === 2) puts.push({ attempt, generation })
        return partNumber === 2 ? ([500, 0, 403][attempt - 1] ?? 200) : 200
      },
    })

    const { status } = await send(service.port, PROVISION, aForm([A_FILE]))

    expect(status).toBe(200)
    expect(puts).toEqual([1, 2, 3, 4].map((number) => ({ attempt: number, generation: number })))
    expect(service.stored()[0]?.equals(LARGE)).toBe(true)
  })

  it('get their URLs in batches', async () => {
    const service = await aService({ partSizeBytes: 128 * 1024 })

    await send(service.port, PROVISION, aForm([A_FILE]))

    const asked = service.calls.filter(({ url }) => url.endsWith('/part-urls'))
    expect(asked.map(({ body }) => JSON.parse(body.toString()))).toEqual([
      { first: 1, last: 16 },
      { first: 17, last: 32 },
      { first: 33, last: 48 },
    ])
    expect(service.stored()[0]?.equals(LARGE)).toBe(true)
  })

  it('end the upload with 503 while the client still sends, when they keep failing', async () => {
    const service = await aService({ onPart: ({ partNumber }) => (partNumber === 2 ? 500 : 200) })
    const outgoing = begin(service.port, 'tasks')

    outgoing.write(aForm([A_FILE]).subarray(0, SMALL_BODY_BYTES + MIB / 2))
    const [incoming] = await once(outgoing, 'response')
    outgoing.end(LARGE)
    const body = JSON.parse(await text(incoming))
    await service.edge.settled()

    expect(incoming.statusCode).toBe(503)
    expect(body).toEqual({
      errorCode: 'APPE-internal-server-error',
      message: 'The App Engine storage cannot be reached.',
      details: expect.objectContaining({ type: 'server', exceptionMessage: null }),
    })
    expect(service.left().length).toBe(0)
    expect(service.log.join()).toMatch(/S3 answered 500 to part 2.*is discarded/u)
  })

  it('slow the client down while S3 does not accept them', async () => {
    const { promise: opened, resolve: open } = Promise.withResolvers<number>()
    const service = await aService({ partSizeBytes: 256 * 1024, onPart: () => opened })
    const body = aForm([{ ...A_FILE, content: randomBytes(64 * MIB) }])
    const outgoing = begin(service.port, PROVISION)
    let given = 0
    const giveAll = (async () => {
      for (let offset = 0; offset < body.length; offset += MIB) {
        const chunk = body.subarray(offset, offset + MIB)
        if (!outgoing.write(chunk)) await once(outgoing, 'drain')
        given = offset + chunk.length
      }
      outgoing.end()
    })()

    // Requests in progress cannot be observed, so the test waits until no more bytes arrive.
    let before = -1
    await vi.waitUntil(
      () => {
        const isStill = given > 4 * MIB && given === before
        before = given
        return isStill
      },
      { timeout: 10_000, interval: 200 },
    )
    const whileHeld = given
    open(200)
    await giveAll
    await once(outgoing, 'response')

    // The edge's own buffers and those of two sockets.
    expect(whileHeld).toBeLessThan(SMALL_BODY_BYTES + 24 * MIB)
    expect(service.stored()[0]?.length).toBe(64 * MIB)
  })
})

describe('bodies beyond the number of upload slots', () => {
  it('wait for a slot, and are complete', async () => {
    const { promise: opened, resolve: open } = Promise.withResolvers<number>()
    const service = await aService({ uploadsAtOnce: 1, onPart: () => opened })
    const first = send(service.port, PROVISION, aForm([A_FILE]))
    await vi.waitFor(() => expect(service.uploads.size).toBe(1))

    const gone = begin(service.port, PROVISION)
    gone.write(aForm([A_FILE]).subarray(0, SMALL_BODY_BYTES + MIB / 2))
    const second = send(service.port, PROVISION, aForm([A_FILE]))
    const small = await send(service.port, PROVISION, Buffer.from('{"value": 1}'))
    expect(small.status).toBe(200)
    expect(service.uploads.size).toBe(1)
    gone.destroy()
    open(200)

    expect((await first).status).toBe(200)
    expect((await second).status).toBe(200)
    expect(service.stored().length).toBe(2)
    await service.edge.settled()
    expect(service.left()).toEqual([])
  })
})

describe('a client that stops sending', () => {
  it('loses its slot to the next client, and leaves no upload', async () => {
    // `ratePeriodMs` exceeds the pauses of an honest client on a busy machine.
    const service = await aService({ uploadsAtOnce: 1, ratePeriodMs: 2000 })
    await aHalfSent(service)

    const { status } = await send(service.port, PROVISION, aForm([A_FILE]))

    expect(status).toBe(200)
    await service.edge.settled()
    expect(service.left()).toEqual([])
    expect(service.stored().length).toBe(1)
  })
})

describe('a client that disconnects', () => {
  it('leaves no upload while parts are being sent', async () => {
    const service = await aService({
      onPart: ({ partNumber }) => (partNumber === 3 ? new Promise(() => {}) : 200),
    })
    const outgoing = await aHalfSent(service)

    outgoing.destroy()
    await vi.waitFor(() => expect(service.log.join('\n')).toContain('is discarded'))

    expect(service.log[0]).toContain('the client disconnected')
    expect(service.left().length).toBe(0)
    expect(service.stored().length).toBe(0)
    await expect(service.edge.settled()).resolves.toBeUndefined()
  })

  it('leaves no upload while a companion arrives', async () => {
    const service = await aService()
    const outgoing = begin(service.port, PROVISION)
    outgoing.write(aForm([A_FILE, { fileName: 'filename="b"', content: randomBytes(100) }]).subarray(0, -80))
    await vi.waitFor(() => expect(service.uploads.size).toBe(2))

    outgoing.destroy()
    await vi.waitFor(() => expect(service.left().length).toBe(0))

    expect(service.stored().length).toBe(0)
    expect(service.calls.some(({ url }) => url.endsWith('/complete'))).toBe(false)
  })

  it('ends the polling of the import', async () => {
    const asked = Promise.withResolvers<void>()
    const service = await aService({ onCall: () => asked.resolve() })
    const outgoing = begin(service.port, 'tasks').end(aForm([A_FILE]))
    await asked.promise

    outgoing.destroy()

    await vi.waitFor(() => expect(service.stored().length).toBe(0))
    await expect(service.edge.settled()).resolves.toBeUndefined()
  })

  it('is noticed while its first bytes are read', async () => {
    const service = await aService()
    const outgoing = begin(service.port, 'tasks')

    outgoing.write('half', () => outgoing.destroy())

    await vi.waitFor(() => expect(service.log.join()).toContain('the client disconnected'))
    expect(service.calls).toEqual([])
  })
})

describe('a malformed body', () => {
  const details = { type: 'parameter', parameterName: 'image' }
  const field = { content: LARGE }

  it.each([
    { name: 'that ends early', code: 'not-multipart', body: aForm([A_FILE]).subarray(0, -4) },
    { name: 'that ends within a file', code: 'not-multipart', body: aForm([A_FILE]).subarray(0, -40_000) },
    {
      name: 'that ends within a head',
      code: 'not-multipart',
      body: aForm([A_FILE, A_FILE]).subarray(0, 5 * MIB + 240),
    },
    { name: 'without a boundary', code: 'not-multipart', body: LARGE },
    {
      name: 'without a part',
      code: 'no-file-parts',
      body: aForm([], { preamble: `${'x'.repeat(5 * MIB)}\r\n` }),
    },
    { name: 'that begins with a form field', code: 'no-file-but-form-field', body: aForm([field, A_FILE]) },
  ])('$name is refused, and leaves nothing', async ({ code, body }) => {
    const service = await aService()

    const provision = await send(service.port, PROVISION, body)
    const bundle = await send(service.port, 'tasks', body)
    await service.edge.settled()

    expect([provision.status, bundle.status]).toEqual([400, 400])
    expect(JSON.parse(provision.body)).toMatchObject({ errorCode: `APPE-internal-${code}`, details })
    expect(JSON.parse(bundle.body)).toMatchObject({ details: { type: 'empty' } })
    expect(service.left().length).toBe(0)
    expect(service.stored().length).toBe(0)
    expect(service.calls.every(({ url }) => url.includes('/uploads'))).toBe(true)
  })

  it.each(['multipart/form-data', 'multipart/form-data; boundary=', 'text/plain'])(
    'is refused as a bundle with type %s',
    async (type) => {
      const service = await aService()

      const { status, body } = await send(service.port, 'tasks', LARGE, { headers: { 'content-type': type } })

      expect(status).toBe(400)
      expect(JSON.parse(body).errorCode).toBe('APPE-internal-not-multipart')
    },
  )

  it('is refused when it is a form in place of a list of provisions', async () => {
    const service = await aService()

    const { status, body } = await send(service.port, 'task-runs/1/input-provisions', aForm([A_FILE]), {
      method: 'PUT',
    })

    expect(status).toBe(400)
    expect(JSON.parse(body).message).toBe('unable to process json')
  })
})

describe('the edge, while the API refuses calls or is unavailable,', () => {
  it('passes on the refusal of an upload', async () => {
    const refusal = {
      errorCode: 'APPE-upload-invalid',
      message: 'invalid upload',
      details: { type: 'empty' },
    }
    const service = await aService({
      onUploads(_, response) {
        answer(response, 400, refusal)
        return true
      },
    })

    const { status, body } = await send(service.port, 'tasks', aForm([A_FILE]))

    expect(status).toBe(400)
    expect(JSON.parse(body)).toEqual(refusal)
  })

  it.each(['part-urls', 'complete'])(
    'leaves no upload after a failure of %s, and reports it in the contract’s shape',
    async (verb) => {
      const service = await aService({
        onUploads({ url }, response) {
          if (!url.endsWith(verb)) return false
          answer(response, 503, { message: 'Service Unavailable' })
          return true
        },
      })

      const { status, body } = await send(service.port, 'tasks', aForm([A_FILE]))
      await service.edge.settled()

      expect(status).toBe(503)
      expect(JSON.parse(body)).toEqual({
        errorCode: 'APPE-internal-server-error',
        message: 'The App Engine API cannot be reached.',
        details: expect.objectContaining({ type: 'server', exceptionMessage: null }),
      })
      expect(service.left().length).toBe(0)
    },
  )

  it('repeats failed calls', async () => {
    let failures = 2
    const service = await aService({
      onUploads(_, response) {
        failures -= 1
        if (failures >= 0) response.destroy()
        return failures >= 0
      },
    })

    const { status } = await send(service.port, 'tasks', aForm([A_FILE]))

    expect(status).toBe(200)
  })

  it('logs an upload that cannot be discarded', async () => {
    const service = await aService({
      onUploads({ method, url }, response) {
        const isAway = method === 'DELETE' || url.endsWith('/complete')
        if (isAway) response.destroy()
        return isAway
      },
    })

    const { status } = await send(service.port, 'tasks', aForm([A_FILE]))
    await service.edge.settled()

    expect(status).toBe(503)
    expect(service.log.at(-1)).toContain('is not discarded')
  })
})

describe('the edge', () => {
  it.each([
    { fileName: 'filename="slide 1; a=b.tif"', name: 'slide 1; a=b.tif' },
    { fileName: 'filename="Gewebe-Schnitt-ä-组织.svs"', name: 'Gewebe-Schnitt-ä-组织.svs' },
    { fileName: "filename*=UTF-8''%e2%82%ac%20x.tif", name: '€ x.tif' },
    { fileName: 'filename="with \\"quotes\\".zip"', name: 'with "quotes".zip' },
    { fileName: 'filename=plain.zip', name: 'plain.zip' },
    { fileName: 'filename="../../etc/passwd"', name: 'passwd' },
    { fileName: 'filename="C:\\\\temp\\\\a.zip"', name: 'a.zip' },
    { fileName: 'filename=""', name: undefined },
    { fileName: `filename="${'n'.repeat(2000)}"`, name: 'n'.repeat(255) },
  ])('sends $fileName as $name', async ({ fileName, name }) => {
    const service = await aService()

    const { status } = await send(service.port, PROVISION, aForm([{ fileName, content: LARGE }]))

    expect(status).toBe(200)
    expect([...service.uploads.values()][0]?.description).toEqual({
      purpose: 'input',
      ...(name === undefined ? {} : { fileName: name }),
    })
  })
})

import { describe, expect, it } from 'vitest'
import { openZip } from '../../../src/archive/zip/read-zip.ts'
import { MIN_PART_BYTES, PART_BYTES } from '../../../src/contract/upload-limits.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import type { ArrayType } from '../../../src/task/parameters/array.ts'
import { anInput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { aDicomZip, aPng } from '../../fixtures/images.ts'

const BASE = '/app-engine/v1'
const RUN = `${BASE}/task-runs/${RUN_ID}`
const UNKNOWN_ID = '0f0f0f0f-0000-4000-8000-000000000000'
const arrayOf = (id: 'integer' | 'image'): ArrayType => ({
  id: 'array',
  allowMissing: false,
  subType: { id },
})
const INPUTS = [
  anInput({ name: 'count', optional: true }),
  anInput({ name: 'image', optional: true, type: { id: 'image', maxFileSizeBytes: 100_000 } }),
  anInput({ name: 'model', optional: true, type: { id: 'file' } }),
  anInput({ name: 'list', optional: true, type: arrayOf('integer') }),
  anInput({ name: 'crops', optional: true, type: arrayOf('image') }),
]
const GEOJSON = '{"type":"Point","coordinates":[1,2]}'

interface UploadView {
  readonly id: string
  readonly state: string
}

/** The API with a run, and a client of its uploads. */
async function anApi() {
  const engine = await anEngine({ task: aTask({ inputs: INPUTS }), run: {} })
  const app = createCheckedApp(engine)
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await app.fetch(path.startsWith('/') ? path : `${BASE}/${path}`, {
      method,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    const isJson = response.headers.get('content-type') === 'application/json'
    return { status: response.status, bytes, json: isJson ? JSON.parse(String(bytes)) : undefined }
  }
  const begin = async (fields: object): Promise<string> =>
    ((await call('POST', 'uploads', fields)).json as UploadView).id
  const sendPart = async (id: string, partNumber: number, bytes: Uint8Array) => {
    const range = { first: partNumber, last: partNumber }
    const { json } = await call('POST', `uploads/${id}/part-urls`, range)
    return engine.parts.receive(json.parts[0].url, bytes)
  }
  const uploaded = async (bytes: Uint8Array, purpose = 'input'): Promise<string> => {
    const id = await begin({ purpose })
    await sendPart(id, 1, bytes)
    await call('POST', `uploads/${id}/complete`)
    return id
  }
  return { ...engine, call, begin, sendPart, uploaded }
}

const related = (parameterName: string, description: RegExp) => ({
  type: 'related',
  parameterName,
  description: expect.stringMatching(description),
  // Core's page shows this field, so it repeats the description.
  errors: [expect.objectContaining({ message: expect.stringMatching(description) })],
})

describe('an upload', () => {
  it('is described when it is created', async () => {
    const { call } = await anApi()

    const { status, json } = await call('POST', 'uploads', {
      purpose: 'task',
      fileName: 'bündle.zip',
      sizeBytes: 3_000_000_000,
      contentType: 'application/zip',
    })

    expect(status).toBe(200)
    expect(json).toEqual({
      id: expect.any(String),
      purpose: 'task',
      fileName: 'bündle.zip',
      sizeBytes: 3_000_000_000,
      state: 'CREATED',
      createdAt: '2026-01-01T00:00:00.000Z',
      partSizeBytes: PART_BYTES,
      progress: null,
      task: null,
      warnings: [],
      error: null,
    })
    expect((await call('GET', `uploads/${json.id}`)).json).toEqual(json)
  })

  it('requires only its purpose', async () => {
    const { call } = await anApi()

    const { json } = await call('POST', 'uploads', { purpose: 'input', fileName: null, sizeBytes: null })

    expect(json).toMatchObject({ fileName: null, sizeBytes: null, partSizeBytes: PART_BYTES })
  })

  it.each([
    ['a body that is not an object', [], 'body', 'a list of 0 items is not accepted: it must be an object'],
    ['no purpose', {}, 'purpose', 'it must be "task" or "input"'],
    ['another purpose', { purpose: 'output' }, 'purpose', '"output" is not accepted: it must be "task"'],
    ['no bytes', { purpose: 'task', sizeBytes: 0 }, 'sizeBytes', '0 is not accepted: it must be a whole'],
    ['a fraction of a byte', { purpose: 'task', sizeBytes: 1.5 }, 'sizeBytes', '1.5 is not accepted: '],
    [
      'more than 100 GiB',
      { purpose: 'task', sizeBytes: 100 * 1024 ** 3 + 1 },
      'sizeBytes',
      '107374182401 is not accepted: ',
    ],
    ['a size as text', { purpose: 'task', sizeBytes: '7' }, 'sizeBytes', '"7" is not accepted: '],
    [
      'a name of 1025 characters',
      { purpose: 'task', fileName: 'x'.repeat(1025) },
      'fileName',
      'it must be a text of at most 1024 characters',
    ],
    [
      'a type that is invalid in a header',
      { purpose: 'task', contentType: 'a\r\nb: c' },
      'contentType',
      'it must be a media type',
    ],
    [
      'layers that are no list',
      { purpose: 'task', layers: 'all' },
      'layers',
      '"all" is not accepted: it must be a list such as',
    ],
    [
      'the name of a layer that is no digest',
      { purpose: 'task', layers: [{ digest: 'md5:0', size: 1 }] },
      'layers.0.digest',
      '"md5:0" is not accepted: it must be "sha256:"',
    ],
  ])('is refused with %s', async (_, body, field, words) => {
    const { call, parts } = await anApi()

    const { status, json } = await call('POST', 'uploads', body)

    expect([status, json.errorCode]).toEqual([400, 'APPE-upload-invalid'])
    expect(json.details.parameterName).toBe(field)
    expect(json.details.description).toContain(words)
    expect(parts.open()).toEqual([])
  })

  it('is refused when its body is not JSON', async () => {
    const { call } = await anApi()

    expect((await call('POST', 'uploads', '{')).json).toMatchObject({ errorCode: 'APPE-upload-invalid' })
  })

  it.each([
    ['GET', ''],
    ['GET', '/parts'],
    ['POST', '/part-urls'],
    ['POST', '/complete'],
  ])('that does not exist is answered 404 by %s uploads/{id}%s', async (method, rest) => {
    const { call } = await anApi()

    for (const id of [UNKNOWN_ID, 'not-a-uuid']) {
      const body = method === 'POST' ? { first: 1, last: 1 } : undefined
      const { status, json } = await call(method, `uploads/${id}${rest}`, body)
      expect([status, json.errorCode]).toEqual([404, 'APPE-upload-not-found'])
    }
  })
})

describe('parts of an upload', () => {
  it('are listed as they arrive, in any order', async () => {
    const { call, begin, sendPart } = await anApi()
    const id = await begin({ purpose: 'input' })
    await sendPart(id, 2, Buffer.from('bc'))
    await sendPart(id, 1, Buffer.from('a'))

    expect((await call('GET', `uploads/${id}/parts`)).json).toEqual({
      parts: [
        { partNumber: 1, sizeBytes: 1 },
        { partNumber: 2, sizeBytes: 2 },
      ],
    })
  })

  it('get URLs that are valid for 15 minutes', async () => {
    const { call, begin } = await anApi()
    const id = await begin({ purpose: 'input' })

    const { json } = await call('POST', `uploads/${id}/part-urls`, { first: 9_901, last: 10_000 })

    expect(json.expiresAt).toBe('2026-01-01T00:15:00.000Z')
    expect(json.parts).toHaveLength(100)
    expect(json.parts[99]).toEqual({ partNumber: 10_000, url: expect.stringContaining('partNumber=10000') })
  })

  it.each([
    ['a text in place of a number', { first: '1', last: 2 }, 'first'],
    ['a missing number', { first: 1 }, 'last'],
    ['a number below 1', { first: 0, last: 2 }, 'first'],
    ['a number that S3 does not accept', { first: 1, last: 10_001 }, 'last'],
    ['a reversed range', { first: 2, last: 1 }, 'last'],
    ['a range that is too long', { first: 1, last: 101 }, 'last'],
  ])('get no URL for %s', async (_, range, field) => {
    const { call, begin } = await anApi()
    const id = await begin({ purpose: 'input' })

    const { status, json } = await call('POST', `uploads/${id}/part-urls`, range)

    expect([status, json.errorCode, json.details.parameterName]).toEqual([400, 'APPE-upload-invalid', field])
  })

  it('get no URL after the upload is complete', async () => {
    const { call, uploaded } = await anApi()
    const id = await uploaded(Buffer.from('all'))

    const { status, json } = await call('POST', `uploads/${id}/part-urls`, { first: 1, last: 1 })

    expect([status, json.errorCode]).toEqual([409, 'APPE-upload-state-error'])
    expect((await call('GET', `uploads/${id}/parts`)).json).toEqual({ parts: [] })
  })
})

describe('completing an upload', () => {
  it('creates the object, and makes an input file READY with its actual size', async () => {
    const { call, begin, sendPart, objects } = await anApi()
    const id = await begin({ purpose: 'input', contentType: 'image/tiff' })
    await sendPart(id, 1, Buffer.from('all of it'))

    const { status, json } = await call('POST', `uploads/${id}/complete`, {})

    expect(status).toBe(200)
    expect(json).toMatchObject({ state: 'READY', sizeBytes: 9, partSizeBytes: null, task: null })
    expect(objects.text(`uploads/${id}`)).toBe('all of it')
    expect(objects.contentType(`uploads/${id}`)).toBe('image/tiff')
  })

  it('accepts an empty file', async () => {
    const { call, uploaded } = await anApi()

    const id = await uploaded(Buffer.alloc(0))

    expect((await call('GET', `uploads/${id}`)).json).toMatchObject({ state: 'READY', sizeBytes: 0 })
  })

  it('does not change the state of a bundle, which the importer sets', async () => {
    const { call, begin, sendPart, uploads } = await anApi()
    const id = await begin({ purpose: 'task', sizeBytes: 6 })
    await sendPart(id, 1, Buffer.from('bundle'))
    await call('POST', `uploads/${id}/complete`)
    const progress = { layers: 2, layersDone: 1, bytes: 10, bytesDone: 5 }
    await uploads.update(id, { state: 'PUSHING', progress })

    const { json } = await call('POST', `uploads/${id}/complete`)

    expect(json).toMatchObject({ state: 'PUSHING', progress, sizeBytes: 6, partSizeBytes: null })
  })

  it('may be repeated', async () => {
    const { call, uploaded } = await anApi()
    const id = await uploaded(Buffer.from('all'))

    const [first, second] = [
      await call('POST', `uploads/${id}/complete`),
      await call('POST', `uploads/${id}/complete`),
    ]

    expect(first).toMatchObject({ status: 200, json: { state: 'READY' } })
    expect(second).toEqual(first)
  })

  it('resumes an earlier call that created the object but did not record it', async () => {
    const { call, begin, sendPart, parts, uploads } = await anApi()
    const id = await begin({ purpose: 'input' })
    await sendPart(id, 1, Buffer.from('all'))
    const { key = '', parts: open } = (await uploads.find(id)) ?? {}
    const arrived = (await parts.list(key, open?.multipartId ?? '')) ?? []
    await parts.complete(key, open?.multipartId ?? '', arrived)

    const { status, json } = await call('POST', `uploads/${id}/complete`)

    expect([status, json.state, json.sizeBytes]).toEqual([200, 'READY', 3])
  })

  it.each([
    ['without a part', {}, [], 'parts', /no part/u],
    ['with a gap', {}, [1, 3, 6], 'parts', /send 2, 4, 5$/u],
    ['without the first part', {}, [2], 'parts', /send 1$/u],
    ['with less than announced', { sizeBytes: 2 * MIN_PART_BYTES }, [1], 'sizeBytes', /announced/u],
    ['with more than announced', { sizeBytes: 7 }, [1], 'sizeBytes', /announced/u],
  ])('is refused %s', async (_, fields, numbers, field, words) => {
    const { call, begin, sendPart } = await anApi()
    const id = await begin({ purpose: 'input', ...fields })
    for (const number of numbers) await sendPart(id, number, Buffer.alloc(MIN_PART_BYTES))

    const { status, json } = await call('POST', `uploads/${id}/complete`)

    expect([status, json.errorCode]).toEqual([400, 'APPE-upload-invalid'])
    expect(json.details).toEqual(related(field, words))
    expect((await call('GET', `uploads/${id}`)).json.state).toBe('CREATED')
  })

  it('is refused for a small part that is not the last', async () => {
    const { call, begin, sendPart } = await anApi()
    const id = await begin({ purpose: 'input' })
    for (const number of [1, 2]) await sendPart(id, number, Buffer.alloc(3))

    const { json } = await call('POST', `uploads/${id}/complete`)

    expect(json.details).toEqual(related('parts', /^part 1 has 3 bytes/u))
  })

  it('is refused after the parts have expired', async () => {
    const { call, begin, parts, uploads } = await anApi()
    const id = await begin({ purpose: 'input' })
    await parts.abort(`uploads/${id}`, (await uploads.find(id))?.parts?.multipartId ?? '')

    const { status, json } = await call('POST', `uploads/${id}/complete`)

    expect([status, json.details]).toEqual([409, related('id', /create a new one/u)])
  })
})

describe('deleting an upload', () => {
  it('removes its parts', async () => {
    const { call, begin, sendPart, parts } = await anApi()
    const id = await begin({ purpose: 'task' })
    await sendPart(id, 1, Buffer.from('a'))

    expect(await call('DELETE', `uploads/${id}`)).toMatchObject({ status: 200, bytes: Buffer.alloc(0) })

    expect(parts.open()).toEqual([])
    expect((await call('GET', `uploads/${id}`)).status).toBe(404)
  })

  it('removes its object', async () => {
    const { call, uploaded, objects } = await anApi()
    const id = await uploaded(Buffer.from('all'))

    await call('DELETE', `uploads/${id}`)

    expect(objects.keys()).toEqual([])
  })

  it.each([UNKNOWN_ID, 'not-a-uuid'])('succeeds when there is no upload: %s', async (id) => {
    const { call } = await anApi()

    expect((await call('DELETE', `uploads/${id}`)).status).toBe(200)
  })

  it.each(['VALIDATING', 'PUSHING'] as const)('is refused while it is %s', async (state) => {
    const { call, uploaded, uploads, objects } = await anApi()
    const id = await uploaded(Buffer.from('bundle'), 'task')
    await uploads.update(id, { state })

    const { status, json } = await call('DELETE', `uploads/${id}`)

    expect([status, json.errorCode]).toEqual([409, 'APPE-upload-state-error'])
    expect(objects.text(`uploads/${id}`)).toBe('bundle')
  })

  it('is refused after a worker has claimed it, and keeps the object', async () => {
    const { call, uploaded, uploads, objects } = await anApi()
    const id = await uploaded(Buffer.from('bundle'), 'task')
    await uploads.claim(id, 60)

    expect((await call('DELETE', `uploads/${id}`)).status).toBe(409)

    expect(objects.text(`uploads/${id}`)).toBe('bundle')
  })
})

describe('a task from an upload', () => {
  it('is returned when the import ends in time', async () => {
    const engine = await anApi()
    const id = await engine.uploaded(Buffer.from('bundle'), 'task')
    const task = { ...engine.task, id: (await engine.uploads.find(id))?.taskId ?? '', version: '2.0.0' }
    await engine.tasks.reserveName({ ...task, uploadId: id, leaseSeconds: 60 })
    await engine.tasks.publish(task, id)
    const warnings = [{ message: 'gte has no effect: did you mean geq?', line: 3, column: 5 }]
    await engine.uploads.update(id, { state: 'READY', warnings })

    const [first, second] = [
      await engine.call('POST', 'tasks', { uploadId: id }),
      await engine.call('POST', 'tasks', { uploadId: id }),
    ]

    expect(first).toMatchObject({ status: 200, json: { id: task.id, version: '2.0.0', warnings } })
    expect(second).toEqual(first)
    const shown = (await engine.call('GET', `uploads/${id}`)).json
    expect({ ...shown.task, warnings: shown.warnings }).toEqual(first.json)
  })

  it('is answered with 202 and the progress of the import after 26 seconds', async () => {
    const { call, uploaded, uploads, identity } = await anApi()
    const id = await uploaded(Buffer.from('bundle'), 'task')
    const progress = { layers: 1, layersDone: 0, bytes: 10, bytesDone: 5 }
    await uploads.update(id, { state: 'PUSHING', progress })
    const before = identity.now().getTime()

    const { status, json } = await call('POST', 'tasks', { uploadId: id })

    expect(status).toBe(202)
    expect(json).toMatchObject({ id, state: 'PUSHING', progress, task: null })
    expect(identity.now().getTime() - before).toBe(26_000)
  })

  it('is refused with the message and status of the failed import', async () => {
    const { call, uploaded, uploads } = await anApi()
    const id = await uploaded(Buffer.from('bundle'), 'task')
    const refusal = {
      errorCode: 'APPE-internal-task-exists',
      message: 'x',
      details: { type: 'empty' },
    } as const
    await uploads.update(id, { state: 'FAILED', error: { ...refusal, status: 409 } })

    expect(await call('POST', 'tasks', { uploadId: id })).toMatchObject({ status: 409, json: refusal })
    expect((await call('GET', `uploads/${id}`)).json.error).toMatchObject({ ...refusal, status: 409 })
  })

  it('is not found after it was deleted', async () => {
    const { call, uploaded, uploads } = await anApi()
    const id = await uploaded(Buffer.from('bundle'), 'task')
    await uploads.update(id, { state: 'READY' })

    const { status, json } = await call('POST', 'tasks', { uploadId: id })

    expect([status, json.errorCode]).toEqual([404, 'APPE-internal-task-not-found'])
    expect((await call('GET', `uploads/${id}`)).json).toMatchObject({ state: 'READY', task: null })
  })

  it('is refused before the upload is complete, and for an upload that is not a bundle', async () => {
    const { call, begin, uploaded } = await anApi()

    for (const [id, words] of [
      [await begin({ purpose: 'task' }), /complete it/u],
      [await uploaded(Buffer.from('x'), 'input'), /purpose "input"/u],
    ] as const) {
      const { status, json } = await call('POST', 'tasks', { uploadId: id })
      expect([status, json.errorCode]).toEqual([409, 'APPE-upload-state-error'])
      expect(json.details).toEqual(related('uploadId', words))
    }
  })

  it.each([
    ['an unknown upload', { uploadId: UNKNOWN_ID }, 404, 'APPE-upload-not-found'],
    ['an id that is not a text', { uploadId: 7 }, 400, 'APPE-upload-invalid'],
    ['another body', { task: 'x' }, 400, 'APPE-internal-not-multipart'],
    ['a body that is not JSON', 'bundle', 400, 'APPE-internal-not-multipart'],
  ])('is refused for %s', async (_, body, status, errorCode) => {
    const { call } = await anApi()

    expect(await call('POST', 'tasks', body)).toMatchObject({ status, json: { errorCode } })
  })
})

describe('an input from an upload', () => {
  it.each(['PUT', 'POST'])('can be a file with its companion, by %s', async (method) => {
    const { call, uploaded, objects } = await anApi()
    const body = {
      uploadId: await uploaded(aPng()),
      companionUploadId: await uploaded(Buffer.from(GEOJSON)),
    }

    const [first, second] = [
      await call(method, `${RUN}/input-provisions/IMAGE`, body),
      await call(method, `${RUN}/input-provisions/IMAGE`, body),
    ]

    expect(first).toMatchObject({ status: 200, json: { parameterName: 'image', taskRunId: RUN_ID } })
    expect(second).toEqual(first)
    expect((await call('GET', `${RUN}/input/image`)).bytes).toEqual(aPng())
    expect(String((await call('GET', `${RUN}/input/image.geojson`)).bytes)).toBe(GEOJSON)
    expect(objects.keys()).toContain(`uploads/${body.uploadId}`)
  })

  it('is never read as a whole when it is a file', async () => {
    const { call, uploaded, objects } = await anApi()
    const large = Buffer.concat([aPng(), Buffer.alloc(90_000)])
    const uploadId = await uploaded(large)
    const asked: number[] = []
    const { read } = objects
    objects.read = async (key, range) => {
      asked.push(range?.length ?? Number.POSITIVE_INFINITY)
      return read(key, range)
    }

    await call('PUT', `${RUN}/input-provisions/image`, { uploadId })

    objects.read = read
    expect(Math.max(...asked)).toBeLessThanOrEqual(4096)
    expect((await call('GET', `${RUN}/input/image`)).bytes.equals(large)).toBe(true)
  })

  it('is validated like any other input', async () => {
    const { call, uploaded, objects } = await anApi()
    const uploadId = await uploaded(Buffer.concat([aPng(), Buffer.alloc(100_000)]))
    const keys = objects.keys()

    const { status, json } = await call('PUT', `${RUN}/input-provisions/image`, { uploadId })

    expect([status, json.message]).toEqual([400, 'invalid image size'])
    expect(json.details).toEqual({ type: 'parameter', parameterName: 'image' })
    expect(objects.keys()).toEqual(keys)
  })

  it('can be a zip of DICOM files, which is shown as a folder below the name of the input', async () => {
    const { call, uploaded } = await anApi()
    const uploadId = await uploaded(await aDicomZip(undefined, { compress: true }))

    await call('PUT', `${RUN}/input-provisions/image`, { uploadId })

    const names = ['image/slide/volume.dcm', 'image/slide/label.dcm']
    for (const path of ['input/image', 'inputs.zip']) {
      const { bytes } = await call('GET', `${RUN}/${path}`)
      const zip = await openZip(bufferSource(bytes))
      expect(zip.entries.map(({ name }) => name)).toEqual(names)
    }
  })

  it('can be a JSON document, whose value is not in the response because it may exceed the size limit', async () => {
    const { call, uploaded } = await anApi()
    const uploadId = await uploaded(Buffer.from('{"parameterName":"list","value":[3,1,2]}'))

    const answer = await call('PUT', `${RUN}/input-provisions/list`, { uploadId })

    expect(answer).toMatchObject({ status: 200, json: { parameterName: 'list', taskRunId: RUN_ID } })
    expect(answer.json).not.toHaveProperty('value')
    const { bytes } = await call('GET', `${RUN}/input/list`)
    const zip = await openZip(bufferSource(bytes))
    expect(zip.entries.map(({ name }) => name)).toEqual(['list/array.yml', 'list/0', 'list/1', 'list/2'])
  })

  it('can be an item of an array, as a file or as JSON', async () => {
    const { call, uploaded } = await anApi()
    const item = (name: string) => `${RUN}/input-provisions/${name}/indexes?value=0`

    const image = await call('PUT', item('crops'), {
      uploadId: await uploaded(aPng()),
      companionUploadId: await uploaded(Buffer.from(GEOJSON)),
    })
    const number = await call('POST', item('list'), { uploadId: await uploaded(Buffer.from('{"value":7}')) })

    expect(image.json).toEqual({ index: 'crops/0', taskRunId: RUN_ID })
    expect(number.json).toEqual({ index: 'list/0', taskRunId: RUN_ID })
    expect((await call('GET', `${RUN}/input/crops/indexes?value=0`)).bytes).toEqual(aPng())
    expect(String((await call('GET', `${RUN}/input/list/indexes?value=0`)).bytes)).toBe('7')
  })

  it('can be a batch of inputs', async () => {
    const { call, uploaded } = await anApi()
    const batch = [
      { parameterName: 'count', value: 7 },
      { parameterName: 'list', value: [1] },
    ]
    const uploadId = await uploaded(Buffer.from(JSON.stringify(batch)))

    const { status, json } = await call('PUT', `${RUN}/input-provisions`, { uploadId })

    expect(status).toBe(200)
    expect(json).toEqual(batch.map(({ parameterName }) => ({ parameterName, taskRunId: RUN_ID })))
    expect(String((await call('GET', `${RUN}/input/count`)).bytes)).toBe('7')
  })

  it.each([
    ['not JSON', '[1', 'APPE-internal-task-run-state-error'],
    ['not UTF-8', Buffer.of(0x22, 0xff, 0x22), 'APPE-internal-task-run-state-error'],
    ['empty', '', 'APPE-internal-task-run-state-error'],
    ['JSON of another shape', '[1]', 'APPE-internal-task-run-state-error'],
  ])('is refused when its document is %s', async (_, document, errorCode) => {
    const { call, uploaded } = await anApi()
    const uploadId = await uploaded(Buffer.from(document as string))

    const { status, json } = await call('PUT', `${RUN}/input-provisions/count`, { uploadId })

    expect([status, json.errorCode]).toEqual([400, errorCode])
  })

  it('is refused when its document is larger than memory allows', async () => {
    const engine = await anApi()
    const uploadId = await engine.uploaded(Buffer.from('{}'))
    engine.objects.find = async () => ({ sizeBytes: 128 * 1024 * 1024 + 1, etag: '"1"' })

    const { status, json } = await engine.call('PUT', `${RUN}/input-provisions/list`, { uploadId })

    expect([status, json.details]).toEqual([400, related('uploadId', /134217728/u)])
  })

  it('is refused with a companion when the input is not a file', async () => {
    const { call, uploaded } = await anApi()
    const body = { uploadId: await uploaded(Buffer.from('{}')), companionUploadId: UNKNOWN_ID }

    const { json } = await call('PUT', `${RUN}/input-provisions/count`, body)

    expect([json.message, json.details.parameterName]).toEqual(['invalid parameter type', 'count'])
  })

  it.each(['uploadId', 'companionUploadId'])(
    'is refused when %s is unknown, incomplete or a bundle',
    async (field) => {
      const { call, begin, uploaded } = await anApi()
      const fit = { uploadId: await uploaded(aPng()) }

      for (const [id, status] of [
        [UNKNOWN_ID, 404],
        [await begin({ purpose: 'input' }), 409],
        [await uploaded(Buffer.from('x'), 'task'), 409],
        [7, 400],
      ] as const) {
        const answer = await call('PUT', `${RUN}/input-provisions/image`, { ...fit, [field]: id })
        expect([answer.status, answer.json.details.parameterName]).toEqual([status, field])
      }
      expect((await call('GET', `${RUN}/input/image`)).status).toBe(400)
    },
  )

  it('is refused when the bucket has expired the file', async () => {
    const { call, uploaded, objects } = await anApi()
    const uploadId = await uploaded(aPng())
    await objects.remove(`uploads/${uploadId}`)

    const { status, json } = await call('PUT', `${RUN}/input-provisions/image`, { uploadId })

    expect([status, json.details]).toEqual([404, related('uploadId', /kept for 7 days/u)])
  })

  it('is ignored when the body also has a value', async () => {
    const { call } = await anApi()

    const { json } = await call('PUT', `${RUN}/input-provisions/count`, { value: 7, uploadId: UNKNOWN_ID })

    expect(json.value).toBe(7)
  })
})

describe('an upload with a list of layers', () => {
  const DIGEST = `sha256:${'a'.repeat(64)}`
  const named = (count: number) => Array.from({ length: count }, () => ({ digest: DIGEST, size: 5 }))

  it('returns which layers are held, also in later calls', async () => {
    const { call, layers, registry } = await anApi()
    await registry.ensureRepository('tasks/a')
    const blob = await registry.pushBlob('tasks/a', [Buffer.from('layer')] as never)
    const facts = { contentBytes: 9, mountPoints: {}, compression: 'gzip' } as const
    await layers.record([
      {
        ...{ digest: blob.digest, size: 5, repository: 'tasks/a', folders: [] },
        layer: { ...facts, ...blob, diffId: DIGEST },
      },
    ])
    const asked = [...named(1), { digest: blob.digest, size: 5 }]

    const { status, json } = await call('POST', 'uploads', { purpose: 'task', layers: asked })

    expect(status).toBe(200)
    expect(json.layers).toEqual([
      { digest: DIGEST, size: 5, held: false },
      { digest: blob.digest, size: 5, held: true },
    ])
    expect((await call('GET', `uploads/${json.id}`)).json.layers).toEqual(json.layers)
  })

  it('may list as many layers as an image can have, one layer twice, or none', async () => {
    const { call } = await anApi()

    const most = await call('POST', 'uploads', { purpose: 'task', layers: named(127) })
    const none = await call('POST', 'uploads', { purpose: 'task', layers: [] })

    expect(most.json.layers).toHaveLength(127)
    expect(none.json.layers).toEqual([])
  })

  it.each<[string, object, string, RegExp]>([
    ['more layers than an image can have', { layers: named(128) }, 'layers', /at most 127/u],
    ['100 000 layers', { layers: Array(100_000).fill({ digest: 1 }) }, 'layers', /sha256|127/u],
    ['a text in place of a list', { layers: DIGEST }, 'layers', /./u],
    ['another digest', { layers: [{ digest: 'sha512:00', size: 5 }] }, 'layers.0.digest', /sha256/u],
    ['a size as text', { layers: [{ digest: DIGEST, size: '5' }] }, 'layers.0.size', /whole number/u],
    ['layers of an input', { purpose: 'input', layers: named(1) }, 'layers', /purpose "task"/u],
  ])('is refused with %s', async (_, fields, field, words) => {
    const { call } = await anApi()

    const { status, json } = await call('POST', 'uploads', { purpose: 'task', ...fields })

    expect(status).toBe(400)
    expect(json.details.parameterName).toMatch(new RegExp(`^${field}`, 'u'))
    expect(json.details.description).toMatch(words)
  })
})

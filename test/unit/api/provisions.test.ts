import { describe, expect, it } from 'vitest'
import { openZip } from '../../../src/archive/zip/read-zip.ts'
import type { Run } from '../../../src/run/run.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import type { ArrayType } from '../../../src/task/parameters/array.ts'
import type { ParameterType } from '../../../src/task/task.ts'
import { anInput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { aPng } from '../../fixtures/images.ts'

const RUN = `/app-engine/v1/task-runs/${RUN_ID}`
const UNKNOWN = `/app-engine/v1/task-runs/0f0f0f0f-0000-4000-8000-000000000000`
const arrayOf = (subType: ParameterType): ArrayType => ({ id: 'array', allowMissing: false, subType })

const INPUTS = [
  anInput({ name: 'count', optional: true }),
  anInput({ name: 'image', optional: true, type: { id: 'image' } }),
  anInput({ name: 'model', optional: true, type: { id: 'file', maxFileSizeBytes: 10_000 } }),
  anInput({ name: 'roi', optional: true, type: { id: 'geometry' } }),
  anInput({ name: 'list', optional: true, type: arrayOf({ id: 'integer' }) }),
  anInput({ name: 'rois', optional: true, type: arrayOf({ id: 'geometry' }) }),
  anInput({ name: 'crops', optional: true, type: arrayOf({ id: 'image' }) }),
  anInput({ name: 'files', optional: true, type: arrayOf({ id: 'file' }) }),
  anInput({ name: 'table', optional: true, type: arrayOf(arrayOf({ id: 'integer' })) }),
  anInput({ name: 'tiles', optional: true, type: arrayOf(arrayOf({ id: 'image' })) }),
]
const POINT = '{"type":"Point","coordinates":[1,2]}'

/** The API with a run of a task with inputs of many types. */
async function anApi(run: Partial<Run> = {}) {
  const engine = await anEngine({ task: aTask({ inputs: INPUTS }), run })
  const app = createCheckedApp(engine)
  const call = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
    const isRaw = body instanceof FormData || typeof body === 'string'
    const response = await app.fetch(path.startsWith('/') ? path : `${RUN}/${path}`, {
      method,
      ...(headers && { headers }),
      ...(body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body) }),
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    return { status: response.status, headers: response.headers, bytes, text: bytes.toString() }
  }
  return { ...engine, call }
}

function parts(...contents: readonly (string | Uint8Array)[]): FormData {
  const form = new FormData()
  contents.forEach((content, position) => {
    form.append(`part${position}`, new File([new Uint8Array(Buffer.from(content))], `${position}.bin`))
  })
  return form
}

/** The bytes of a multipart body. */
function rawParts(...contents: readonly string[]) {
  const body = contents.map((content) => `--b\r\n${content}\r\n`).join('')
  return [`${body}--b--\r\n`, { 'content-type': 'multipart/form-data; boundary=b' }] as const
}

const namesIn = async (zip: Buffer) => (await openZip(bufferSource(zip))).entries.map(({ name }) => name)

function refusalIn(answer: { readonly status: number; readonly text: string }) {
  const { errorCode, details } = JSON.parse(answer.text)
  return [answer.status, errorCode, details]
}

const ofParameter = (parameterName: string) => ({ type: 'parameter', parameterName })

describe('a multipart body', () => {
  it.each(['POST', 'PUT'])('stores an image by %s, and the response has no value', async (method) => {
    const { call } = await anApi()

    const answer = await call(method, 'input-provisions/IMAGE', parts(aPng()))

    expect(answer).toMatchObject({
      status: 200,
      text: JSON.stringify({ parameterName: 'image', taskRunId: RUN_ID }),
    })
    expect((await call('GET', 'input/image')).bytes).toEqual(aPng())
  })

  it('has the value in its first part, the companion in its second, and ignored content in others', async () => {
    const { call } = await anApi()

    await call('POST', 'input-provisions/image', parts(aPng(), POINT, 'ignored'))

    expect(await call('GET', 'input/image.geojson')).toMatchObject({ status: 200, text: POINT })
    expect((await call('GET', 'input/image.geojson')).headers.get('content-type')).toBe(
      'application/geo+json',
    )
    expect(await namesIn((await call('GET', 'inputs.zip')).bytes)).toEqual(['image', 'image.geojson'])
  })

  it('removes the companion when it has no second part', async () => {
    const { call } = await anApi()
    await call('POST', 'input-provisions/image', parts(aPng(), POINT))

    await call('POST', 'input-provisions/image', parts(aPng()))

    expect(refusalIn(await call('GET', 'input/image.geojson'))).toEqual([
      404,
      'APPE-internal-parameter-not-found',
      { type: 'parameter', parameterName: 'image.geojson' },
    ])
  })

  it('may have any file name', async () => {
    const { call } = await anApi()
    const name = '../../etc/x%0d%0aset-cookie: a=b'
    const [body, headers] = rawParts(
      `Content-Disposition: form-data; name="file"; filename="${name}"\r\n\r\nweights`,
    )

    expect((await call('POST', 'input-provisions/model', body, headers)).status).toBe(200)
    const { headers: answered, text } = await call('GET', 'input/model')

    expect(answered.get('content-disposition')).toBe('attachment; filename="model"')
    expect(answered.get('content-length')).toBe('7')
    expect(text).toBe('weights')
  })

  it('may contain an empty file', async () => {
    const { call } = await anApi()

    expect((await call('POST', 'input-provisions/model', parts(''))).status).toBe(200)
    expect((await call('GET', 'input/model')).bytes).toHaveLength(0)
  })

  it.each<[string, string, string | undefined, Record<string, string>, string]>([
    ['JSON', 'image', '{"value":1}', {}, 'APPE-internal-not-multipart'],
    ['nothing', 'image', undefined, {}, 'APPE-internal-not-multipart'],
    [
      'a body without boundary',
      'image',
      'x',
      { 'content-type': 'multipart/form-data' },
      'APPE-internal-not-multipart',
    ],
    [
      'a truncated body',
      'image',
      rawParts('Content-Disp')[0].slice(0, 9),
      rawParts()[1],
      'APPE-internal-not-multipart',
    ],
    ['no parts', 'image', ...rawParts(), 'APPE-internal-no-file-parts'],
    [
      'a text field before the file',
      'image',
      ...rawParts(
        'Content-Disposition: form-data; name="a"\r\n\r\nx',
        'Content-Disposition: form-data; name="b"; filename="b"\r\n\r\nx',
      ),
      'APPE-internal-no-file-but-form-field',
    ],
  ])('is refused for %s', async (_, name, body, headers, code) => {
    const { call } = await anApi()

    for (const path of [`input-provisions/${name}`, 'input-provisions/crops/indexes?value=0']) {
      expect(refusalIn(await call('POST', path, body, headers))).toEqual([
        400,
        code,
        ofParameter(path.includes('crops') ? 'crops' : name),
      ])
    }
  })

  it.each(['count', 'roi', 'list'])('is refused for %s, which is not a file', async (name) => {
    const { call } = await anApi()

    for (const method of ['POST', 'PUT']) {
      expect(refusalIn(await call(method, `input-provisions/${name}`, parts('5')))).toEqual([
        400,
        'APPE-internal-request-validation-error',
        ofParameter(name),
      ])
    }
  })

  it('is refused for an unknown run or input, and after the run has started', async () => {
    const { call } = await anApi()
    const running = await anApi({ state: 'RUNNING' })

    expect(refusalIn(await call('POST', `${UNKNOWN}/input-provisions/image`, parts('x')))).toEqual([
      404,
      'APPE-internal-run-not-found-error',
      expect.objectContaining({ type: 'empty' }),
    ])
    expect(refusalIn(await call('POST', 'input-provisions/nothing', parts('x')))).toEqual([
      404,
      'APPE-internal-parameter-not-found',
      ofParameter('nothing'),
    ])
    expect((await running.call('POST', 'input-provisions/image', parts('x'))).status).toBe(403)
    expect((await running.call('POST', 'input-provisions/crops/indexes?value=0', parts('x'))).status).toBe(
      403,
    )
  })
})

describe('a JSON body', () => {
  it.each<[string, unknown, unknown]>([
    ['list', [1, 2], [1, 2]],
    ['list', [{ index: 0, value: 5 }], [{ index: 0, value: 5 }]],
    ['list', [], []],
    ['table', [[1], []], [[1], []]],
    ['list', null, null],
    ['rois', [POINT], undefined],
    ['roi', POINT, POINT],
    ['image', null, undefined],
    ['model', null, undefined],
  ])('for %s: %j is answered with %j', async (parameterName, value, echoed) => {
    const { call } = await anApi()

    const { text } = await call('PUT', `input-provisions/${parameterName}`, { value })

    expect(JSON.parse(text)).toEqual({
      parameterName,
      taskRunId: RUN_ID,
      ...(echoed !== undefined && { value: echoed }),
    })
  })

  it.each<[string, unknown, string]>([
    ['image', {}, 'APPE-internal-request-validation-error'],
    ['model', '/etc/passwd', 'APPE-internal-request-validation-error'],
    ['crops', ['/etc/passwd'], 'APPE-internal-request-validation-error'],
    ['list', 5, 'APPE-internal-invalid-structure'],
    ['list', [{ index: 1, value: 5 }], 'APPE-internal-invalid-dimensions'],
  ])('for %s: %j is refused', async (parameterName, value, code) => {
    const { call } = await anApi()

    expect(refusalIn(await call('PUT', `input-provisions/${parameterName}`, { value }))).toEqual([
      400,
      code,
      ofParameter(parameterName),
    ])
  })

  it('may be deeply nested without a stack overflow', async () => {
    const { call } = await anApi()
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`

    for (const name of ['table', 'roi', 'count', 'list/indexes?value=0']) {
      expect((await call('PUT', `input-provisions/${name}`, `{"value":${deep}}`)).status).toBe(400)
    }
  })

  it('may contain arrays, but no files, when it is a batch', async () => {
    const { call } = await anApi()
    const array = { parameterName: 'list', value: [1] }
    const image = { parameterName: 'Image', value: 'x' }

    const answer = await call('PUT', 'input-provisions', [array, { parameterName: 'rois', value: [POINT] }])
    const refused = await call('PUT', 'input-provisions', [array, image])

    expect(JSON.parse(answer.text)).toEqual([
      { ...array, taskRunId: RUN_ID },
      { parameterName: 'rois', taskRunId: RUN_ID },
    ])
    expect(refusalIn(refused)).toEqual([
      400,
      'APPE-internal-batch-request-error',
      {
        type: 'batch',
        errors: [
          {
            errorCode: 'APPE-internal-request-validation-error',
            message: 'invalid parameter type',
            details: ofParameter('Image'),
          },
        ],
      },
    ])
    expect((await call('PUT', 'input-provisions', parts('x'))).status).toBe(400)
    expect((await call('PUT', 'input-provisions', [])).text).toBe('[]')
  })
})

describe('provisioning one item', () => {
  it.each<[string, string, unknown, unknown]>([
    ['list', '0', 100, 100],
    ['table', '1/0', 5, 5],
    ['table', '0', [1, 2], [1, 2]],
    ['table', '0', [], []],
    ['rois', '3', POINT, undefined],
  ])('of %s at %s with %j is answered with %j', async (name, path, value, echoed) => {
    const { call } = await anApi()

    const answer = await call('PUT', `input-provisions/${name.toUpperCase()}/indexes?value=${path}`, {
      index: 77,
      value,
    })

    expect(answer.status).toBe(200)
    expect(answer.text).toBe(JSON.stringify({ index: `${name}/${path}`, value: echoed, taskRunId: RUN_ID }))
  })

  it.each(['POST', 'PUT'])('accepts an image with its companion by multipart (%s)', async (method) => {
    const { call } = await anApi()

    const answer = await call(method, 'input-provisions/tiles/indexes?value=0/0', parts(aPng(), POINT))

    expect(answer.text).toBe(JSON.stringify({ index: 'tiles/0/0', taskRunId: RUN_ID }))
    expect(await namesIn((await call('GET', 'inputs.zip')).bytes)).toEqual(
      expect.arrayContaining(['tiles/0/0', 'tiles/0/0.geojson', 'tiles/0/array.yml', 'tiles/array.yml']),
    )
  })

  it.each<[string, string, unknown, number, string, string]>([
    [
      'an unknown input',
      'nothing/indexes?value=0',
      { value: 1 },
      404,
      'APPE-internal-parameter-not-found',
      'nothing',
    ],
    [
      'an input that is not an array',
      'count/indexes?value=0',
      { value: 1 },
      400,
      'APPE-internal-request-validation-error',
      'count',
    ],
    [
      'a path that is too deep',
      'list/indexes?value=0/0',
      { value: 1 },
      400,
      'APPE-internal-invalid-structure',
      'list',
    ],
    ['null', 'list/indexes?value=0', { value: null }, 400, 'APPE-internal-null-provision', 'list'],
    ['no value', 'list/indexes?value=0', {}, 400, 'APPE-internal-null-provision', 'list'],
    [
      'no value for a file',
      'files/indexes?value=0',
      {},
      400,
      'APPE-internal-request-validation-error',
      'files',
    ],
    [
      'a wrong value',
      'list/indexes?value=0',
      { value: 'x' },
      400,
      'APPE-internal-request-validation-error',
      'list',
    ],
    [
      'JSON for an image',
      'crops/indexes?value=0',
      { value: 'x' },
      400,
      'APPE-internal-request-validation-error',
      'crops',
    ],
  ])('is refused for %s', async (_, path, body, status, code, name) => {
    const { call } = await anApi()

    const answer = await call('PUT', `input-provisions/${path}`, body)

    expect(refusalIn(answer)).toEqual([status, code, ofParameter(name)])
  })

  it('is refused for an unknown run, and for a body that is not an object', async () => {
    const { call } = await anApi()

    expect((await call('PUT', `${UNKNOWN}/input-provisions/list/indexes?value=0`, { value: 1 })).status).toBe(
      404,
    )
    for (const body of ['', 'no JSON', '[]', '5', 'null']) {
      expect((await call('PUT', 'input-provisions/list/indexes?value=0', body)).status).toBe(400)
    }
  })

  it.each([
    '?value=00',
    '?value=007',
    '?value=',
    '',
    '?value=-1',
    '?value=1%2F',
    '?value=a',
    '?value=0&value=1',
  ])('is refused for the index %j, and so is reading it', async (query) => {
    const { call } = await anApi()
    const indexes = new URLSearchParams(query).getAll('value').join()
    const answers = [
      await call('PUT', `input-provisions/list/indexes${query}`, { value: 1 }),
      await call('POST', `input-provisions/crops/indexes${query}`, parts('x')),
      await call('GET', `input/list/indexes${query}`),
    ]

    for (const [position, parameterName] of ['list', 'crops', 'list'].entries()) {
      const answer = answers[position]
      expect(answer && refusalIn(answer)).toEqual([
        400,
        'APPE-internal-invalid-indexes',
        expect.objectContaining({
          type: 'related',
          parameterName,
          description: `indexes [${indexes}] is not a valid`,
        }),
      ])
    }
  })
})

describe('the listing of inputs', () => {
  it('shows arrays of images by their indexes, and empty arrays with the type of their items', async () => {
    const { call } = await anApi()
    await call('POST', 'input-provisions/crops/indexes?value=0', parts(aPng(), POINT))
    await call('POST', 'input-provisions/crops/indexes?value=1', parts(aPng()))
    await call('PUT', 'input-provisions/list', { value: [] })
    await call('PUT', 'input-provisions/table', { value: [] })

    const { text } = await call('GET', 'inputs')

    expect(JSON.parse(text)).toEqual([
      { taskRunId: RUN_ID, parameterName: 'list', type: 'ARRAY', value: [], subType: 'INTEGER' },
      {
        taskRunId: RUN_ID,
        parameterName: 'crops',
        type: 'ARRAY',
        value: [{ index: 0 }, { index: 1 }],
        subType: 'IMAGE',
      },
      { taskRunId: RUN_ID, parameterName: 'table', type: 'ARRAY', value: [], subType: 'ARRAY' },
    ])
  })
})

describe('downloads of arrays', () => {
  it('are zips whose names start with the parameter', async () => {
    const { call } = await anApi()
    await call('PUT', 'input-provisions/table', { value: [[1], [2, 3]] })

    const answer = await call('GET', 'input/table')

    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="table"')
    expect(answer.headers.get('content-type')).toBe('application/octet-stream')
    expect((await namesIn(answer.bytes)).sort()).toEqual([
      'table/0/0',
      'table/0/array.yml',
      'table/1/0',
      'table/1/1',
      'table/1/array.yml',
      'table/array.yml',
    ])
  })

  it('may be one item, or a sub-array as a zip whose names do not start with the parameter', async () => {
    const { call } = await anApi()
    await call('PUT', 'input-provisions/table', { value: [[1], [2, 3]] })

    const leaf = await call('GET', 'input/table/indexes?value=1/1')
    const inner = await call('GET', 'input/table/indexes?value=1')

    expect(leaf.text).toBe('3')
    expect(leaf.headers.get('content-disposition')).toBe('attachment; filename="table/1/1"')
    expect(await namesIn(inner.bytes)).toEqual(['1/array.yml', '1/0', '1/1'])
  })

  it.each(['input/list', 'input/list/indexes?value=0', 'input/image', 'input/image.geojson'])(
    'are refused for inputs without a value: %s',
    async (path) => {
      const { call } = await anApi()
      const name = path.split('/')[1]?.replace('.geojson', '')
      const file = path.includes('indexes') ? `${name}/0` : name

      expect(refusalIn(await call('GET', path))).toEqual([
        400,
        'APPE-storage-reading-file-error',
        expect.objectContaining({
          type: 'related',
          parameterName: name,
          description: `Failed to read file ${file}`,
          errors: [
            expect.objectContaining({
              message: expect.stringMatching(/: (?:the run has no value of it|the array has no such item)$/u),
            }),
          ],
        }),
      ])
    },
  )
})

import { randomFillSync } from 'node:crypto'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { openZip } from '../../src/archive/zip/read-zip.ts'
import { bufferSource } from '../../src/shared/byte-source.ts'
import { aPng } from '../fixtures/images.ts'
import { callOk, installTask, startRun, waitForState } from './engine-client.ts'
import { aVariant } from './stack-controls.ts'

/*
 * Sends the requests of Cytomine core, which uses Apache HttpClient 5 with Spring's RestTemplate. Streamed downloads have no `Accept`.
 * Bodies are chunked, and multipart files are named *.tmp. Core keeps five connections for each host, and follows redirects with the
 * same headers.
 */

const UNTYPED = { accept: 'text/plain, application/json, application/*+json, */*' }
const TYPED = { accept: 'application/json, application/*+json' }
const USUAL = {
  'accept-encoding': 'gzip, x-gzip, deflate',
  'user-agent': 'Apache-HttpClient/5.4.4 (Java/21.0.7)',
}

const NAMESPACE = 'com.example.core-wire'
const PNG = aPng()
const GEOJSON = '{"type":"Point","coordinates":[1,2]}'
const TEXT = 'naïve café: 42 Zellen, 100 % — 𝄞'

/** The two entry points: the edge, and the API without it. */
const ENTRANCES = [
  ['the edge', () => inject('baseUrl')],
  ['the API alone', () => `${inject('apiUrl').replace(/\/+$/u, '')}/app-engine/v1/`],
] as const

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly bytes: Buffer
}

interface Call {
  readonly method?: string
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Iterable<Buffer>
  readonly agent?: Agent
}

/** Sends a request with exactly these headers, and follows redirects of a GET with the same headers. */
async function send(
  { method = 'GET', url, headers = {}, body, agent }: Call,
  redirects = 5,
): Promise<Answer> {
  const outgoing = request(url, {
    method,
    headers: { ...USUAL, ...headers },
    ...(agent === undefined ? { agent: false } : { agent }),
  })
  const answered = Promise.withResolvers<Answer>()
  outgoing.on('error', answered.reject)
  outgoing.on('response', async (response) => {
    try {
      const chunks: Buffer[] = []
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
      const { statusCode: status = 0, headers: received } = response
      answered.resolve({ status, headers: received, bytes: Buffer.concat(chunks) })
    } catch (error) {
      answered.reject(error)
    }
  })
  if (body === undefined) outgoing.end()
  else await pipeline(Readable.from(body), outgoing)
  const answer = await answered.promise
  const { location } = answer.headers
  if (answer.status !== 302 || typeof location !== 'string' || redirects === 0) return answer
  return send({ method, url: new URL(location, url), headers }, redirects - 1)
}

/** Chunks of a multipart body as Spring writes it. */
function* multipart(
  parts: readonly (readonly [name: string, fileName: string, bytes: Buffer])[],
): Generator<Buffer> {
  for (const [name, fileName, bytes] of parts) {
    const disposition = `form-data; name="${name}"; filename="${fileName}"`
    const type = 'Content-Type: application/octet-stream'
    yield Buffer.from(
      `--wire\r\nContent-Disposition: ${disposition}\r\n${type}\r\nContent-Length: ${bytes.length}\r\n\r\n`,
    )
    for (let at = 0; at < bytes.length; at += 4096) yield bytes.subarray(at, at + 4096)
    yield Buffer.from('\r\n')
  }
  yield Buffer.from('--wire--\r\n')
}
const MULTIPART = { 'content-type': 'multipart/form-data;boundary=wire' }
const JSON_BODY = { 'content-type': 'application/json' }

/** Sends a request with no header but `Host` and `Connection`. @returns the response */
function rawGet(url: URL): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  const socket = connect(Number(url.port), url.hostname)
  socket.on('error', reject)
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('close', () => resolve(Buffer.concat(chunks)))
  socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n\r\n`)
  return promise
}

const DESCRIPTOR_INPUTS = `inputs:
  picture:
    display_name: Picture
    description: An image.
    type: image
  note:
    display_name: Note
    description: A text.
    type: string
  count:
    display_name: Count
    description: A number.
    type: integer
  shape:
    display_name: Shape
    description: A geometry.
    type: geometry
  shapes:
    display_name: Shapes
    description: Geometries.
    type:
      id: array
      subtype:
        id: geometry
outputs:`

/** A task with the types of inputs that core sends, a run of it that is not started, and a finished run of the probe task. */
let task: string
let run: string
let finished: string

beforeAll(async () => {
  const bundle = await aVariant('examples/add-and-echo/add-and-echo.zip', NAMESPACE, {
    descriptor: (text) => text.replace(/^inputs:\n(?:[ #].*\n|\n)*outputs:/mu, DESCRIPTOR_INPUTS),
  })
  const base = inject('baseUrl')
  const uploaded = await send({
    method: 'POST',
    url: new URL('tasks', base),
    headers: { ...UNTYPED, ...MULTIPART },
    body: multipart([['task', '1b3c95aa1f3b4b6c.tmp', bundle]]),
  })
  if (uploaded.status !== 200) throw new Error(uploaded.bytes.toString())
  task = `tasks/${NAMESPACE}/1.0.0`
  const created = await send({
    method: 'POST',
    url: new URL(`${task}/runs`, base),
    headers: { ...UNTYPED, ...JSON_BODY, 'content-length': '0' },
  })
  run = `task-runs/${(JSON.parse(created.bytes.toString()) as { readonly id: string }).id}`
  const probe = await installTask('test/fixtures/probe-task/probe-task.zip', 'org.example.probe-task')
  finished = await startRun(probe, { write_file_mib: 1, write_geometries: 100, print: 'printed' })
  await waitForState(finished, ['FINISHED'])
}, 240_000)

describe.each(ENTRANCES)('core, through %s', (_, baseUrl) => {
  const at = (path: string): URL => new URL(path, baseUrl())
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    send({ url: at(path), headers })

  const provision = (method: string, path: string, headers: object, body: Iterable<Buffer>) =>
    send({
      method,
      url: at(`${run}/input-provisions/${path}`),
      headers: { ...UNTYPED, ...headers },
      body,
    })

  it('replaces an image with chunked multipart', async () => {
    const answers = [
      await provision('POST', 'picture', MULTIPART, multipart([['file', '7f20.tmp', PNG]])),
      await provision('PUT', 'picture', MULTIPART, multipart([['file', '7f22.tmp', PNG]])),
    ]

    expect(answers.map(({ status, bytes }) => (status === 200 ? 200 : bytes.toString()))).toEqual([200, 200])
  })

  it('provisions with chunked multipart and chunked JSON', async () => {
    const files = multipart([
      ['file', '7f21.tmp', PNG],
      ['location', 'location.geojson', Buffer.from(GEOJSON)],
    ])
    const answers = [
      await provision('POST', 'picture', MULTIPART, files),
      await provision('PUT', 'note', JSON_BODY, [
        Buffer.from(JSON.stringify({ parameterName: 'note', value: TEXT })),
      ]),
      await provision('PUT', 'count', JSON_BODY, [Buffer.from('{"parameterName":"count","value":7}')]),
      await provision('PUT', 'shape', JSON_BODY, [
        Buffer.from(JSON.stringify({ parameterName: 'shape', value: GEOJSON })),
      ]),
      await provision('PUT', 'shapes/indexes?value=0', JSON_BODY, [
        Buffer.from(JSON.stringify({ index: '0', value: GEOJSON })),
      ]),
      await provision(
        'POST',
        'picture',
        MULTIPART,
        multipart([
          ['file', '7f21.tmp', PNG],
          ['location', 'location.geojson', Buffer.from(GEOJSON)],
        ]),
      ),
    ]

    expect(answers.map(({ status, bytes }) => (status === 200 ? 200 : bytes.toString()))).toEqual(
      answers.map(() => 200),
    )
  })

  it.each([
    ['without Accept', {}],
    ['as its untyped calls', UNTYPED],
    ['as its typed calls', TYPED],
  ])('gets every file completely (%s)', async (__, headers) => {
    const files: Record<string, Buffer> = {
      'input/picture': PNG,
      'input/picture.geojson': Buffer.from(GEOJSON),
      'input/note': Buffer.from(TEXT),
      'input/count': Buffer.from('7'),
      'input/shape': Buffer.from(GEOJSON),
      'input/shape.geojson': Buffer.from(GEOJSON),
      'input/shapes/indexes?value=0': Buffer.from(GEOJSON),
    }
    for (const [path, bytes] of Object.entries(files)) {
      const answer = await get(`${run}/${path}`, headers)
      expect(answer.status, path).toBe(200)
      expect(answer.bytes.equals(bytes), `${path}: ${answer.bytes.subarray(0, 80)}`).toBe(true)
      const type = path.endsWith('.geojson') ? 'application/geo+json' : 'application/octet-stream'
      expect(answer.headers['content-type'], path).toBe(type)
    }
  })

  it.each([
    ['without Accept', {}],
    ['as its untyped calls', UNTYPED],
  ])('gets zips, outputs, descriptor and log (%s)', async (__, headers) => {
    const zipOf = async (path: string): Promise<readonly string[]> =>
      (await openZip(bufferSource((await get(path, headers)).bytes))).entries.map(({ name }) => name)

    expect(await zipOf(`${run}/inputs.zip`)).toEqual(
      expect.arrayContaining(['picture', 'picture.geojson', 'note', 'shapes/0', 'shapes/array.yml']),
    )
    expect(await zipOf(`${run}/input/shapes`)).toEqual(expect.arrayContaining(['shapes/0']))
    expect(await zipOf(`${finished}/outputs.zip`)).toEqual(expect.arrayContaining(['result', 'file']))
    expect((await get(`${finished}/output/result`, headers)).bytes.toString()).toMatch(/^done\s*$/u)
    expect((await get(`${finished}/output/file`, headers)).bytes.length).toBe(1024 * 1024)
    expect((await get(`${task}/descriptor.yml`, headers)).bytes.toString()).toContain(NAMESPACE)
    expect((await get(`${finished}/logs`, headers)).bytes.toString()).toContain('printed')
  })

  it('gets files by a request with no header but Host', async () => {
    const answer = (await rawGet(at(`${run}/input/note`))).toString()
    const redirect = (await rawGet(at(`${run}/input/picture`))).toString()

    expect(answer).toMatch(/^HTTP\/1\.1 200 /u)
    expect(answer.endsWith(`\r\n\r\n${TEXT}`)).toBe(true)
    const location = /^location: (\S+)\r$/imu.exec(redirect)?.[1] ?? ''
    expect(redirect).toMatch(/^HTTP\/1\.1 302 /u)
    expect((await rawGet(new URL(location))).subarray(-PNG.length).equals(PNG)).toBe(true)
  })

  it('lists all outputs by untyped calls, and only those that core can store by typed calls', async () => {
    const names = async (headers: Readonly<Record<string, string>>) => {
      const { bytes } = await get(`${finished}/outputs`, headers)
      return (JSON.parse(bytes.toString()) as { readonly parameterName: string }[]).map(
        (one) => one.parameterName,
      )
    }

    expect(await names(UNTYPED)).toEqual(expect.arrayContaining(['result', 'geometries', 'file']))
    expect(await names(TYPED)).toEqual((await names(UNTYPED)).filter((name) => name !== 'file'))
    expect(await names({})).toEqual(await names(UNTYPED))
  })

  it('gets ranges of downloads', async () => {
    const bytes = Buffer.from(TEXT)
    for (const [path, whole] of [
      ['note', bytes],
      ['picture', PNG],
    ] as const) {
      for (const [first, last] of [
        [0, 0],
        [1, 2],
        [2, 9],
      ] as const) {
        const answer = await get(`${run}/input/${path}`, { range: `bytes=${first}-${last}` })
        expect([answer.status, answer.headers['content-range']], path).toEqual([
          206,
          `bytes ${first}-${last}/${whole.length}`,
        ])
        expect(answer.bytes.equals(whole.subarray(first, last + 1)), `${path} ${first}-${last}`).toBe(true)
      }
      expect((await get(`${run}/input/${path}`, { range: `bytes=${whole.length}-` })).status).toBe(416)
    }
  })

  it('gets size and type of files by HEAD', async () => {
    for (const [path, whole] of [
      ['note', Buffer.from(TEXT)],
      ['picture', PNG],
    ] as const) {
      const answer = await send({ method: 'HEAD', url: at(`${run}/input/${path}`) })
      const { 'content-length': length, 'content-type': type } = answer.headers
      expect([answer.status, length, type, answer.bytes.length], path).toEqual([
        200,
        String(whole.length),
        'application/octet-stream',
        0,
      ])
    }
  })

  it('gets 404 for a file that does not exist', async () => {
    expect((await get(`${run}/input/count.geojson`)).status).toBe(404)
    expect((await get(`${finished}/output/file.geojson`)).status).toBe(404)
    expect((await get(`${run}/input/shapes/indexes?value=5`)).bytes.toString()).toContain(
      'Failed to read file shapes/5',
    )
  })

  it('deletes no task when an encoded suffix follows its version', async () => {
    for (const version of [
      '1.0.0%23x',
      '1.0.0%3Fx',
      '1.0.0%25',
      '1.0.0%00',
      '1.0.0%0A',
      '1.0.0%2Fx',
      '%2531.0.0',
    ]) {
      expect(
        (await send({ method: 'DELETE', url: at(`tasks/${NAMESPACE}/${version}`) })).status,
        version,
      ).toBe(404)
    }
    expect((await get(task)).status).toBe(200)
  })

  it('gets the allowed methods of a path', async () => {
    for (const method of ['PATCH', 'OPTIONS']) {
      const { status, headers } = await send({ method, url: at(task) })
      expect([status, headers.allow], method).toEqual([405, 'GET, DELETE, HEAD'])
    }
  })

  it('gets no allowed method for TRACE', async () => {
    const { status, headers } = await send({ method: 'TRACE', url: at(task) })

    expect([status, headers.allow]).toEqual([405, 'GET, DELETE, HEAD'])
  })

  it('can use its five connections concurrently', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 5 })
    const paths = Array.from(
      { length: 30 },
      (__, index) => ['input/picture', 'input/note', 'inputs'][index % 3] ?? '',
    )

    const answers = await Promise.all(paths.map((path) => send({ url: at(`${run}/${path}`), agent })))

    agent.destroy()
    const lengths = answers.map(({ bytes }, index) => [paths[index], bytes.length])
    expect(lengths.filter(([path]) => path === 'input/picture')).toEqual(
      Array(10).fill(['input/picture', PNG.length]),
    )
    expect(new Set(lengths.map(String)).size).toBe(3)
  })

  it('gets an empty response without a content type for DELETE', async () => {
    const { bytes } = await send({ method: 'POST', url: at(`${task}/runs`), headers: UNTYPED })
    const { id } = JSON.parse(bytes.toString()) as { readonly id: string }

    const answer = await send({ method: 'DELETE', url: at(`task-runs/${id}`) })

    expect([answer.status, answer.bytes.length, answer.headers['content-type'] ?? '']).toEqual([200, 0, ''])
  })
})

describe('core, through the edge', () => {
  it('sends an image of 12 MiB, and gets it by a request without Accept', async () => {
    const large = Buffer.concat([PNG, randomFillSync(Buffer.alloc(12 * 1024 * 1024))])
    const { id } = (await (await callOk('POST', `${task}/runs`)).json()) as { readonly id: string }
    const url = new URL(`task-runs/${id}/input-provisions/picture`, inject('baseUrl'))

    const sent = await send({
      method: 'PUT',
      url,
      headers: { ...UNTYPED, ...MULTIPART },
      body: multipart([['file', '9a1c.tmp', large]]),
    })
    const got = await send({ url: new URL(`task-runs/${id}/input/picture`, inject('baseUrl')) })

    expect(sent.status, sent.bytes.toString()).toBe(200)
    expect(got.bytes.equals(large)).toBe(true)
  })
})

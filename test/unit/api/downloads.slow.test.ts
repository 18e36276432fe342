import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { writeFolderZip } from '../../../src/archive/folder-zip/write-folder-zip.ts'
import { openZip } from '../../../src/archive/zip/read-zip.ts'
import type { JsonValue } from '../../../src/contract/json.ts'
import { collectOutputs } from '../../../src/outputs/collect-outputs.ts'
import type { Run } from '../../../src/run/run.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import type { ArrayType } from '../../../src/task/parameters/array.ts'
import type { ParameterType } from '../../../src/task/task.ts'
import { nameOfAnswer, promisedAnswers } from '../../fixtures/answer-checker.ts'
import { anInput, anOutput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { packZip } from '../../fixtures/bundle-builder.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

const RUN = `/app-engine/v1/task-runs/${RUN_ID}`
const UNKNOWN_RUN = RUN.replaceAll('2', '3')
const OUTPUTS = `task-run-outputs-${RUN_ID}/1-1/`
const SECRET = 'secret-of-the-run'

const FILE: ParameterType = { id: 'file' }
const TEXT: ParameterType = { id: 'string', minLength: 0 }
const TEXTS: ArrayType = { id: 'array', allowMissing: false, subType: TEXT }
const NESTED: ArrayType = { ...TEXTS, subType: TEXTS }

/** Exceeds the maximum response of a Lambda function. */
const LARGE = 'x'.repeat(5 * 1024 * 1024)

/** Maximum length of a string that a listing shows whole. `MANY` has enough of them to exceed a response. */
const MIB = 'x'.repeat(1024 * 1024)
const MANY: readonly string[] = Array(5).fill(MIB)

type Engine = Awaited<ReturnType<typeof anEngine>>

async function anApi(
  types: Readonly<Record<string, ParameterType>>,
  run: Partial<Run> = {},
  outputs: Readonly<Record<string, ParameterType>> = {},
) {
  const engine = await anEngine({
    task: aTask({
      inputs: Object.entries(types).map(([name, type]) => anInput({ name, type, optional: true })),
      outputs: Object.entries(outputs).map(([name, type]) => anOutput({ name, type, optional: true })),
    }),
    run: { state: 'PROVISIONED', ...run },
  })
  const { request, fetch } = createCheckedApp(engine)
  const send = (method: string, path: string, body: JsonValue | FormData) =>
    request(`${RUN}/${path}`, { method, body: body instanceof FormData ? body : JSON.stringify(body) })
  /** Response with the target of its redirect, if any. */
  const get = async (path: string) => {
    const answer = await request(`${RUN}/${path}`)
    const location = answer.headers.get('location')
    return { status: answer.status, to: location === null ? undefined : bytesAt(engine, location), answer }
  }
  return { ...engine, request, fetch, send, get }
}

/** Content that a presigned URL of the memory store refers to. */
function bytesAt({ objects }: Engine, location: string) {
  const { pathname, searchParams } = new URL(location)
  const key = decodeURIComponent(pathname.slice(1))
  return {
    key,
    text: objects.text(key),
    contentType: searchParams.get('contentType'),
    contentDisposition: searchParams.get('contentDisposition'),
  }
}

/** A run with these outputs: texts, and arrays of texts. */
async function finished(left: Readonly<Record<string, string | readonly string[]>>) {
  const types = Object.entries(left).map(([name, value]) => [name, Array.isArray(value) ? TEXTS : TEXT])
  const job = { attempt: 1, jobName: 'job', succeededAttempt: 1 }
  const api = await anApi({}, { state: 'RUNNING', job }, Object.fromEntries(types))
  const entries = Object.entries(left).map(([name, value]) => ({
    name,
    kind: typeof value === 'string' ? 'file' : 'directory',
    sizeBytes: 0,
  }))
  for (const [name, value] of Object.entries(left)) {
    await api.objects.put(`${OUTPUTS}${name}`, typeof value === 'string' ? value : await packed(name, value))
  }
  await api.objects.put(`${OUTPUTS}staged.json`, JSON.stringify({ entries, taskExitCode: 0 }))
  await collectOutputs(api, RUN_ID)
  return api
}

async function packed(name: string, items: readonly string[]): Promise<Buffer> {
  const texts = [['array.yml', `size: ${items.length}`], ...items.map((text, index) => [String(index), text])]
  const files = texts.map(([path = '', text = '']) => {
    const bytes = Buffer.from(text)
    return { name: `${name}/${path}`, sizeBytes: bytes.length, bytes }
  })
  const chunks: Uint8Array[] = []
  for await (const chunk of writeFolderZip(files, ({ bytes }) => ({ crc32: crc32(bytes), bytes: [bytes] }))) {
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function aFile(bytes: string | Buffer): FormData {
  const form = new FormData()
  form.append('file', new Blob([bytes]), 'file')
  return form
}

const namesIn = async (engine: Engine, key: string) => {
  const body = await engine.objects.read(key)
  const zip = await openZip(bufferSource(Buffer.concat((await body?.toArray()) ?? [])))
  return zip.entries.map(({ name }) => name).sort()
}

describe('a download that is too large for a response', () => {
  it.each([
    ['the listing of inputs', 'inputs', 'application/json', 'inline'],
    ['a file', 'input/model', 'application/octet-stream', 'attachment; filename="model"'],
    [
      'an item that was provisioned alone',
      'input/items/indexes?value=0',
      'application/octet-stream',
      'attachment; filename="items/0"',
    ],
    [
      'an item of a whole array',
      'input/whole/indexes?value=1',
      'application/octet-stream',
      'attachment; filename="whole/1"',
    ],
    [
      'a sub-array',
      'input/nested/indexes?value=0',
      'application/octet-stream',
      'attachment; filename="nested/0"',
    ],
    ['a whole array', 'input/whole', 'application/octet-stream', 'attachment; filename="whole"'],
    ['an array with items', 'input/items', 'application/octet-stream', 'attachment; filename="items"'],
    ['all inputs', 'inputs.zip', 'application/octet-stream', `attachment; filename="inputs-${RUN_ID}.zip"`],
  ])('is redirected to the bucket: %s', async (_, path, contentType, contentDisposition) => {
    const { send, get } = await anApi({
      model: FILE,
      whole: TEXTS,
      items: TEXTS,
      nested: NESTED,
      many: TEXTS,
    })
    await send('POST', 'input-provisions/model', aFile(LARGE))
    await send('PUT', 'input-provisions/whole', { value: ['a', LARGE] })
    await send('PUT', 'input-provisions/items/indexes?value=0', { value: LARGE })
    await send('PUT', 'input-provisions/nested', { value: [['a', LARGE], []] })
    await send('PUT', 'input-provisions/many', { value: MANY })

    const { status, to } = await get(path)

    expect(status).toBe(302)
    expect(to).toMatchObject({ contentType, contentDisposition })
    expect(to?.text?.includes(path === 'inputs' ? MIB : LARGE)).toBe(true)
  })

  it('is redirected to an existing object without a copy', async () => {
    const { send, get, objects } = await anApi({ model: FILE, whole: TEXTS, items: TEXTS })
    await send('POST', 'input-provisions/model', aFile(LARGE))
    await send('PUT', 'input-provisions/whole', { value: [LARGE] })
    await send('PUT', 'input-provisions/items/indexes?value=0', { value: LARGE })
    const keys = objects.keys()

    await get('input/model')
    await get('input/whole')
    await get('input/items/indexes?value=0')

    expect(objects.keys()).toEqual(keys)
  })

  it('is packed once, and again after an input has changed', async () => {
    const api = await anApi({ items: TEXTS })
    await api.send('PUT', 'input-provisions/items/indexes?value=0', { value: LARGE })

    const [first, second] = [await api.get('input/items'), await api.get('input/items')]
    await api.send('PUT', 'input-provisions/items/indexes?value=1', { value: 'b' })
    const third = await api.get('input/items')

    expect(second.to?.key).toBe(first.to?.key)
    expect(await namesIn(api, first.to?.key ?? '')).toEqual(['items/0', 'items/array.yml'])
    expect(await namesIn(api, third.to?.key ?? '')).toEqual(['items/0', 'items/1', 'items/array.yml'])
  })

  it.each([
    ['the listing', 'outputs', 'application/json'],
    ['a text', 'output/text', 'application/octet-stream'],
    ['an array', 'output/texts', 'application/octet-stream'],
    ['an item', 'output/texts/indexes?value=1', 'application/octet-stream'],
    ['all outputs', 'outputs.zip', 'application/octet-stream'],
  ])('is redirected to the bucket for outputs too: %s', async (_, path, contentType) => {
    const { get } = await finished({ text: LARGE, texts: ['a', LARGE], many: MANY })

    const { status, to } = await get(path)

    expect(status).toBe(302)
    expect(to?.contentType).toBe(contentType)
    expect(to?.text?.includes(path === 'outputs' ? MIB : LARGE)).toBe(true)
  })
})

describe('an item of a large array', () => {
  const ITEMS = Array.from({ length: 2000 }, (_, index) => `item ${index}`)

  it('is read at its offset in the folder', async () => {
    const { send, get } = await anApi({ whole: TEXTS })
    await send('PUT', 'input-provisions/whole', { value: ITEMS })

    const { answer } = await get('input/whole/indexes?value=1234')

    expect(await answer.text()).toBe('item 1234')
    expect((await get('input/whole/indexes?value=2000')).status).toBe(400)
  })

  it('has the newer value when it was provisioned again', async () => {
    const { send, get } = await anApi({ whole: TEXTS })
    await send('PUT', 'input-provisions/whole', { value: ITEMS })
    await send('PUT', 'input-provisions/whole/indexes?value=7', { value: 'seven' })
    await send('PUT', 'input-provisions/whole/indexes?value=2000', { value: 'more' })

    const texts = ['6', '7', '2000'].map(async (index) => {
      const { answer } = await get(`input/whole/indexes?value=${index}`)
      return answer.text()
    })

    expect(await Promise.all(texts)).toEqual(['item 6', 'seven', 'more'])
  })
})

describe('the responses of downloads', () => {
  it('include every response that the OpenAPI document describes', async () => {
    const given = await anApi({ model: FILE, texts: TEXTS })
    await given.send('POST', 'input-provisions/model', aFile('m'))
    await given.send('PUT', 'input-provisions/texts', { value: ['a'] })
    const largeGiven = await anApi({ model: FILE, texts: TEXTS, many: TEXTS })
    await largeGiven.send('POST', 'input-provisions/model', aFile(LARGE))
    await largeGiven.send('PUT', 'input-provisions/texts', { value: [LARGE] })
    await largeGiven.send('PUT', 'input-provisions/many', { value: MANY })
    const apis = {
      fresh: await anApi({ model: FILE, texts: TEXTS }, { state: 'CREATED' }, { text: TEXT, texts: TEXTS }),
      given,
      largeGiven,
      done: await finished({ text: 't', texts: ['a'] }),
      largeDone: await finished({ text: LARGE, texts: ['a', LARGE], many: MANY }),
    }
    const seen = new Set<string>()
    for (const [api, path] of CALLS.flatMap(([names, paths]) =>
      names.flatMap((name) => paths.map((one) => [apis[name], one] as const)),
    )) {
      const url = path.startsWith('/') ? path : `${RUN}/${path}`
      seen.add(nameOfAnswer('GET', url, (await api.request(url)).status))
      const isListing = /\/(?:in|out)puts$/u.test(url)
      for (const range of isListing ? [''] : ['', 'bytes=0-0', 'bytes=9999999999-9999999999']) {
        seen.add(nameOfAnswer('GET', url, (await api.fetch(url, { headers: { range } })).status))
      }
    }
    for (const [state, secret, bytes] of await posts()) {
      const job = { attempt: 1, jobName: 'job' }
      const { request } = await anApi({}, { state, job }, { text: TEXT })
      const url = `${secret === '' ? UNKNOWN_RUN : RUN}/${secret === '' ? SECRET : secret}/outputs.zip`
      const answer = await request(url, { method: 'POST', body: aFile(bytes) })
      seen.add(nameOfAnswer('POST', url, answer.status))
    }

    const promised = promisedAnswers().filter((name) =>
      /\/task-runs\/\{\w+\}\/(?:inputs|outputs|input\/|output\/|\{secret\})/u.test(name),
    )
    expect([...seen].sort()).toEqual(promised.toSorted())
  })
})

const INPUT_PATHS = ['inputs', 'inputs.zip', 'input/model', 'input/texts/indexes?value=0']
const OUTPUT_PATHS = ['outputs', 'outputs.zip', 'output/text', 'output/texts/indexes?value=0']
const LARGE_OUTPUT_PATHS = ['outputs', 'outputs.zip', 'output/text', 'output/texts/indexes?value=1']
const PATHS = [...INPUT_PATHS, ...OUTPUT_PATHS]

const CALLS = [
  [['fresh'], [...PATHS, ...PATHS.map((path) => `${UNKNOWN_RUN}/${path}`)]],
  [['given', 'largeGiven'], INPUT_PATHS],
  [['done'], OUTPUT_PATHS],
  [['largeDone'], LARGE_OUTPUT_PATHS],
] as const

/** State of the run, secret of the call (empty: call about another run) and body. */
async function posts() {
  const zip = (text: string): Promise<Buffer> => packZip([{ name: 'text', body: text }])
  return [
    ['RUNNING', SECRET, await zip('t')],
    // 1 MiB of control characters: six MiB as JSON.
    ['RUNNING', SECRET, await zip('\u0001'.repeat(1024 * 1024))],
    ['RUNNING', 'wrong', await zip('t')],
    ['FINISHED', SECRET, await zip('t')],
    ['RUNNING', '', await zip('t')],
  ] as const
}

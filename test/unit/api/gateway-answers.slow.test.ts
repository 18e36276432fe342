import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../../lambdas/api/app.ts'
import { createHandler } from '../../../lambdas/api/handler.ts'
import { openZip } from '../../../src/archive/zip/read-zip.ts'
import { descriptorKey, logoKey } from '../../../src/contract/storage-keys.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import { readAll } from '../../../src/shared/read-all.ts'
import type { ParameterType } from '../../../src/task/task.ts'
import { anInput, anOutput, aTask, RUN_ID, TASK_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { followRedirect } from '../../fixtures/follow-redirect.ts'
import { GATEWAYS, type GatewayModel, type SentRequest } from '../../fixtures/gateway.ts'

const BASE = '/app-engine/v1'
const RUN = `${BASE}/task-runs/${RUN_ID}`
const OUTPUTS = `task-run-outputs-${RUN_ID}/1-1/`
const FILE: ParameterType = { id: 'file' }
const FILES: ParameterType = { id: 'array', allowMissing: false, subType: FILE }

/** Accept headers of core's streamed downloads (none), of its typed and untyped calls, of browsers, of curl. */
const ACCEPTS = [
  undefined,
  '*/*',
  'application/json, application/*+json',
  'text/plain, application/json, application/*+json, */*',
  'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
]

/** An engine whose run and task have these bytes as every input, output, descriptor and logo. */
async function everyFileOf(bytes: Uint8Array) {
  const parameter = { optional: true, type: FILE }
  const engine = await anEngine({
    task: aTask({
      hasLogo: true,
      inputs: [
        anInput({ ...parameter, name: 'model' }),
        anInput({ ...parameter, name: 'files', type: FILES }),
      ],
      outputs: [anOutput({ ...parameter, name: 'result' })],
    }),
    run: {},
  })
  const { request } = createApp(engine)
  const form = (): FormData => {
    const body = new FormData()
    body.append('file', new Blob([new Uint8Array(bytes)]), 'a.tmp')
    return body
  }
  for (const path of ['model', 'files/indexes?value=0']) {
    const sent = await request(`${RUN}/input-provisions/${path}`, { method: 'POST', body: form() })
    if (!sent.ok) throw new Error(await sent.text())
  }
  await engine.objects.put(descriptorKey(TASK_ID), bytes)
  await engine.objects.put(logoKey(TASK_ID), bytes)
  await engine.objects.put(`${OUTPUTS}result`, bytes)
  const entries = [{ name: 'result', kind: 'file', sizeBytes: bytes.byteLength }]
  await engine.objects.put(`${OUTPUTS}staged.json`, JSON.stringify({ entries, taskExitCode: 0 }))
  await engine.runs.transition(RUN_ID, { to: 'QUEUING' })
  await engine.runs.transition(RUN_ID, { to: 'FINISHED', set: { outputsPrefix: OUTPUTS } })
  return engine
}

type Engine = Awaited<ReturnType<typeof anEngine>>

/** Content that a client of the gateway receives after redirects. */
async function download(engine: Engine, gateway: GatewayModel, request: SentRequest) {
  const result = await createHandler(engine)(gateway.eventOf(request))
  const body = new Uint8Array(gateway.bytesOf(result, request))
  const answer = new Response(result.statusCode === 200 || result.statusCode === 206 ? body : null, {
    status: result.statusCode,
    headers: result.headers as Record<string, string>,
  })
  const length = answer.headers.get('content-length')
  const { method = 'GET', headers = {} } = request
  const followed = await followRedirect(engine.objects, answer, { method, headers })
  return { bytes: Buffer.from(await followed.arrayBuffer()), length, status: followed.status }
}

const texts = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => Buffer.from(text))
const withMark = texts.map((text) => Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), text]))
const pngs = fc
  .uint8Array({ maxLength: 40 })
  .map((rest) => Buffer.concat([Buffer.from('\x89PNG', 'latin1'), rest]))
const someBytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), texts, withMark, pngs)

const FILES_OF_ONE = [
  `${RUN}/input/model`,
  `${RUN}/input/files/indexes?value=0`,
  `${RUN}/output/result`,
  `${BASE}/tasks/${TASK_ID}/descriptor.yml`,
  `${BASE}/tasks/com.example.addition/1.0.0/logo`,
]

describe.each(GATEWAYS)('the API, called through $name,', (gateway) => {
  it('returns every file unchanged, for any bytes and Accept header', async () => {
    await fc.assert(
      fc.asyncProperty(someBytes, fc.constantFrom(...ACCEPTS), async (bytes, accept) => {
        const engine = await everyFileOf(bytes)
        for (const path of FILES_OF_ONE) {
          const request = { path, headers: accept === undefined ? {} : { accept } }
          const answer = await download(engine, gateway, request)
          expect(answer.bytes.equals(bytes), `${path}: ${answer.bytes.toString('hex')}`).toBe(true)
          expect([null, '0', String(bytes.byteLength)]).toContain(answer.length)
        }
      }),
      { numRuns: 25 },
    )
  })

  it('returns the files of every zip unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(someBytes, fc.constantFrom(...ACCEPTS), async (bytes, accept) => {
        const engine = await everyFileOf(bytes)
        for (const [path, name] of [
          ['inputs.zip', 'model'],
          ['outputs.zip', 'result'],
          ['input/files', 'files/0'],
        ]) {
          const request = { path: `${RUN}/${path}`, headers: accept === undefined ? {} : { accept } }
          const zip = await openZip(bufferSource((await download(engine, gateway, request)).bytes))
          const entry = zip.entries.find((one) => one.name === name)
          expect(entry && (await readAll(zip.read(entry))).equals(bytes), path).toBe(true)
        }
      }),
      { numRuns: 10 },
    )
  })

  it('returns exactly the bytes of a range, also when it splits a character', async () => {
    const range = fc.tuple(fc.nat(45), fc.nat(45)).map(([first, more]) => [first, first + more] as const)
    await fc.assert(
      fc.asyncProperty(someBytes, range, async (bytes, [first, last]) => {
        const engine = await everyFileOf(bytes)
        for (const path of FILES_OF_ONE) {
          const headers = { range: `bytes=${first}-${last}` }
          const answer = await download(engine, gateway, { path, headers })
          const part = Buffer.from(bytes.subarray(first, last + 1))
          expect(answer.status, path).toBe(first < bytes.length ? 206 : 416)
          if (answer.status === 206) expect(answer.bytes, path).toEqual(part)
        }
      }),
      { numRuns: 25 },
    )
  })

  it.each([Buffer.from('text'), Buffer.of(0x89, 0xff)])(
    'answers HEAD of %j without a body',
    async (bytes) => {
      const engine = await everyFileOf(bytes)
      for (const path of FILES_OF_ONE) {
        const { status, bytes: body } = await download(engine, gateway, { method: 'HEAD', path })
        expect([status, body.byteLength]).toEqual([200, 0])
      }
    },
  )
})

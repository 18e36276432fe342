import { randomFillSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { uploadBundle } from '../../cli/upload-bundle.ts'
import { createUploadClient, type UploadClient } from '../../cli/upload-client.ts'
import { openZip } from '../../src/archive/zip/read-zip.ts'
import type { JsonValue } from '../../src/contract/json.ts'
import { PART_BYTES } from '../../src/contract/upload-limits.ts'
import { bufferSource } from '../../src/shared/byte-source.ts'
import { createProgress } from '../../src/shared/progress.ts'
import { dockerArchive, packTar, packZip } from '../fixtures/bundle-builder.ts'
import { aDicom, aDicomZip, aPng } from '../fixtures/images.ts'
import { call, callOk } from './engine-client.ts'

const DESCRIPTOR = `$schema: https://cytomine.com/schema-store/tasks/task.v0.json
name: Uploads
namespace: org.example.uploads
version: 1.0.0
authors:
  - {first_name: Ada, last_name: Byron, organization: Engines, email: ada@example.org}
configuration:
  input_folder: /inputs
  output_folder: /outputs
  image: {file: /image.tar}
  resources: {ram: 64Mi, cpus: 1}
inputs:
  image: {display_name: Image, description: Large, type: image, optional: true}
  crops: {display_name: Crops, description: Many, type: {id: array, subtype: {id: image}}, optional: true}
  numbers: {display_name: Numbers, description: Many, type: {id: array, subtype: {id: integer}}, optional: true}
outputs:
  done: {display_name: Done, description: Nothing, type: string}
`
const GEOJSON = '{"type":"Point","coordinates":[1,2]}'

let folder: string
let bundle: string
let run: string
const progress = createProgress({ write: () => undefined })
const url = inject('baseUrl')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'uploads-'))
  bundle = join(folder, 'uploads.zip')
  // Random bytes cannot be compressed.
  const large = await packTar([{ name: 'data', body: randomFillSync(Buffer.alloc(3 * PART_BYTES)) }])
  const image = await packTar(await dockerArchive({ layers: [large] }))
  const entries = [
    { name: 'descriptor.yml', body: DESCRIPTOR },
    { name: 'image.tar', body: image },
  ]
  await writeFile(bundle, await packZip(entries, { compress: false }))
})

afterAll(() => rm(folder, { recursive: true }))

async function json(method: string, path: string, body?: JsonValue) {
  return (await (await callOk(method, path, body)).json()) as Readonly<Record<string, unknown>>
}

/** Creates an upload and sends all of its parts, without completing it. */
async function begun(purpose: 'task' | 'input', bytes: Buffer) {
  const { id } = await json('POST', 'uploads', { purpose, sizeBytes: bytes.length })
  const count = Math.max(1, Math.ceil(bytes.length / PART_BYTES))
  const { parts } = await json('POST', `uploads/${id}/part-urls`, { first: 1, last: count })
  const urls = (parts as { readonly url: string }[]).map((part) => part.url)
  await Promise.all(
    urls.map((part, index) =>
      fetch(part, {
        method: 'PUT',
        body: new Uint8Array(bytes.subarray(index * PART_BYTES, (index + 1) * PART_BYTES)),
      }),
    ),
  )
  return { id: String(id), urls }
}

async function uploadedInput(bytes: Buffer): Promise<string> {
  const { id } = await begun('input', bytes)
  expect(await json('POST', `uploads/${id}/complete`)).toMatchObject({
    state: 'READY',
    sizeBytes: bytes.length,
  })
  return id
}

async function download(path: string): Promise<Buffer> {
  return Buffer.from(await (await callOk('GET', path)).arrayBuffer())
}

describe('a bundle that is sent in parts', () => {
  it('becomes a task, even after an interruption', async () => {
    const sent: number[] = []
    const client = createUploadClient(url)
    const failing: UploadClient = {
      ...client,
      async sendPart(id, part, signal) {
        if (part.number === 2) throw new Error('the connection is lost')
        await client.sendPart(id, part, signal)
      },
    }
    const counting: UploadClient = {
      ...client,
      async sendPart(id, part, signal) {
        sent.push(part.number)
        await client.sendPart(id, part, signal)
      },
    }

    await expect(uploadBundle({ bundle, url, progress, client: failing })).rejects.toThrow(
      'the connection is lost',
    )
    const { task, sentBytes } = await uploadBundle({ bundle, url, progress, client: counting, pollMs: 100 })

    expect(task).toBe('org.example.uploads 1.0.0')
    expect(sent).toContain(2)
    expect(sentBytes).toBeGreaterThan(0)
    const { id } = await json('GET', 'tasks/org.example.uploads/1.0.0')
    const { id: runId } = await json('POST', `tasks/${id}/runs`)
    run = `task-runs/${runId}`
  })

  it('is refused with the same error on every request, if it is invalid', async () => {
    const { id } = await begun('task', Buffer.from('no bundle at all'))
    await json('POST', `uploads/${id}/complete`)

    const first = await call('POST', 'tasks', { uploadId: id })
    const second = await call('POST', 'tasks', { uploadId: id })

    expect(first.status).toBe(400)
    expect(await second.json()).toEqual(await first.json())
    expect(await json('GET', `uploads/${id}`)).toMatchObject({ state: 'FAILED', error: { status: 400 } })
  })

  it('leaves nothing if its upload is aborted', async () => {
    const { id, urls } = await begun('task', Buffer.alloc(10))

    await callOk('DELETE', `uploads/${id}`)

    const late = await fetch(urls[0] ?? '', { method: 'PUT', body: 'late' })
    expect(late.status).toBe(404)
    expect((await call('GET', `uploads/${id}`)).status).toBe(404)
    expect((await call('POST', `uploads/${id}/complete`)).status).toBe(404)
    await callOk('DELETE', `uploads/${id}`)
  })

  it('cannot be completed while parts are missing, which are reported', async () => {
    const { id } = await json('POST', 'uploads', { purpose: 'task' })
    const { parts } = await json('POST', `uploads/${id}/part-urls`, { first: 2, last: 2 })
    await fetch((parts as { readonly url: string }[])[0]?.url ?? '', { method: 'PUT', body: 'x' })

    const answer = await call('POST', `uploads/${id}/complete`)

    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { details: { parameterName: 'parts', description: 'parts are missing: send 1' } },
    ])
    expect(await json('GET', `uploads/${id}/parts`)).toEqual({ parts: [{ partNumber: 2, sizeBytes: 1 }] })
  })
})

describe('an input that is sent in parts', () => {
  it('may be an image of any size with its companion', async () => {
    const image = Buffer.concat([aPng(), randomFillSync(Buffer.alloc(PART_BYTES + 1000))])
    const body = {
      uploadId: await uploadedInput(image),
      companionUploadId: await uploadedInput(Buffer.from(GEOJSON)),
    }

    await callOk('PUT', `${run}/input-provisions/image`, body)
    await callOk('PUT', `${run}/input-provisions/image`, body)

    expect((await download(`${run}/input/image`)).equals(image)).toBe(true)
    expect(String(await download(`${run}/input/image.geojson`))).toBe(GEOJSON)
  })

  it('may be an item of an array: a file, or a zip of DICOM files', async () => {
    const pixels = randomFillSync(Buffer.alloc(2 * 1024 * 1024))
    const slide = await aDicomZip({ 'slide/volume.dcm': aDicom({ pixels }) }, { compress: true })
    for (const [index, bytes] of [aPng(), slide].entries()) {
      const uploadId = await uploadedInput(bytes)
      await callOk('PUT', `${run}/input-provisions/crops/indexes?value=${index}`, { uploadId })
    }

    const zip = await openZip(bufferSource(await download(`${run}/input/crops`)))

    expect(zip.entries.map(({ name }) => name).sort()).toEqual([
      'crops/0',
      'crops/1/slide/volume.dcm',
      'crops/array.yml',
    ])
  })

  it('may be an array of many values', async () => {
    const value = Array.from({ length: 100_000 }, (_, index) => index)
    const uploadId = await uploadedInput(Buffer.from(JSON.stringify({ value })))

    const answer = await json('PUT', `${run}/input-provisions/numbers`, { uploadId })

    expect(answer).toEqual({ parameterName: 'numbers', taskRunId: run.replace('task-runs/', '') })
    expect(String(await download(`${run}/input/numbers/indexes?value=99999`))).toBe('99999')
  })

  it('is refused if it is invalid', async () => {
    const uploadId = await uploadedInput(Buffer.from('{"value": "no number"}'))

    const answer = await call('PUT', `${run}/input-provisions/numbers/indexes?value=0`, { uploadId })

    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { details: { parameterName: 'numbers' } },
    ])
  })
})

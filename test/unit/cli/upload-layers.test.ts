import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { uploadBundle } from '../../../cli/upload-bundle.ts'
import type { NewUpload, UploadClient, UploadView } from '../../../cli/upload-client.ts'
import { openZip, readZipEntry } from '../../../src/archive/zip/read-zip.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import { createProgress } from '../../../src/shared/progress.ts'
import { aBundle, aLayer, digestOf, dockerArchive, packZip } from '../../fixtures/bundle-builder.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'upload-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** A bundle with a large layer and a small one. */
async function aBundleFile() {
  const layers = [await aLayer(Buffer.alloc(200_000, 1), 'large'), await aLayer('echo', 'run.sh')]
  const image = await dockerArchive({ layers })
  const bytes = await packZip(await aBundle({ image }), { compress: false })
  const file = join(folder, 'bundle.zip')
  await writeFile(file, bytes)
  return { file, bytes, large: digestOf(layers[0] ?? '') }
}

/** A service that holds these layers, and whose imports end in this order. */
function aService(held: ReadonlySet<string>, endings: readonly Partial<UploadView>[]) {
  const created: NewUpload[] = []
  const sent: Buffer[][] = []
  const views = new Map<string, UploadView>()
  const find = (id: string): UploadView => {
    const view = views.get(id)
    if (view === undefined) throw new Error('there is no upload')
    return view
  }
  const client: UploadClient = {
    async create(upload) {
      created.push(upload)
      sent.push([])
      const view: UploadView = {
        id: String(created.length - 1),
        state: 'CREATED',
        partSizeBytes: 50_000,
        progress: null,
        task: null,
        warnings: [],
        error: null,
        layers: upload.layers?.map(({ digest }) => ({ digest, held: held.has(digest) })),
      }
      views.set(view.id, view)
      return view
    },
    find: async (id) => find(id),
    parts: async () => new Map(),
    async sendPart(id, { number, bytes }) {
      const parts = sent[Number(id)] ?? []
      parts[number - 1] = Buffer.from(bytes)
    },
    async complete(id) {
      const view = { ...find(id), ...endings[Number(id)] } as UploadView
      views.set(id, view)
      return view
    },
    abort: async () => {},
  }
  return { client, created, bytesOf: (index: number) => Buffer.concat(sent[index] ?? []) }
}

const READY = { state: 'READY', task: { namespace: 'com.example', version: '1.0.0' } } as const
const GONE = {
  state: 'FAILED',
  error: { errorCode: 'APPE-upload-layer-gone', message: 'a layer is gone' },
} as const

const upload = (bundle: string, client: UploadClient) => {
  const progress = createProgress({ write: () => undefined })
  return uploadBundle({ bundle, url: 'http://service/', client, progress, pollMs: 1 })
}

describe('an upload of a bundle whose layers the registry holds', () => {
  it('sends the bundle without them', async () => {
    const { file, bytes, large } = await aBundleFile()
    const { client, created, bytesOf } = aService(new Set([large]), [READY])

    const { task, sentBytes } = await upload(file, client)

    expect(task).toBe('com.example 1.0.0')
    expect(sentBytes).toBe(bytesOf(0).length)
    expect(created[0]?.layers).toHaveLength(2)
    expect(created[0]).not.toHaveProperty('sizeBytes')
    expect(bytesOf(0).length).toBeLessThan(bytes.length / 10)
    const zip = await openZip(bufferSource(bytesOf(0)))
    const descriptor = zip.entries.find(({ name }) => name === 'descriptor.yml')
    expect(descriptor && (await readZipEntry(zip, descriptor, 10_000)).length).toBeGreaterThan(0)
  })

  it('sends the whole bundle when the registry holds none', async () => {
    const { file, bytes } = await aBundleFile()
    const { client, bytesOf } = aService(new Set(), [READY])

    await upload(file, client)

    expect(bytesOf(0).equals(bytes)).toBe(true)
  })

  it('sends all layers in another upload when a held one was deleted meanwhile', async () => {
    const { file, bytes, large } = await aBundleFile()
    const { client, created, bytesOf } = aService(new Set([large]), [GONE, READY])

    const { task } = await upload(file, client)

    expect(task).toBe('com.example 1.0.0')
    expect(created[1]).toMatchObject({ sizeBytes: bytes.length })
    expect(bytesOf(1).equals(bytes)).toBe(true)
  })
})

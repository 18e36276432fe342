import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { afterAll, describe, expect, it } from 'vitest'
import type { ObjectStore } from '../../../src/aws/object-store.ts'
import { createS3ObjectStore } from '../../../src/aws/s3-object-store.ts'
import { uploadKey } from '../../../src/contract/storage-keys.ts'
import { importBundle } from '../../../src/import/import-bundle.ts'
import { sentUpload } from '../../../src/upload/sent-file.ts'
import { createMemoryObjectStore } from '../../fakes/memory-object-store.ts'
import { aBundle, aDescriptorText, aLayer, dockerArchive, packZip } from '../../fixtures/bundle-builder.ts'
import { startLocalStorage } from '../../fixtures/local-storage.ts'
import { anImporter, UPLOAD_ID, uploadOf } from '../../fixtures/memory-importer.ts'
import { wholeTasks } from '../../fixtures/whole-tasks.ts'

const storage = await startLocalStorage()
afterAll(() => storage.stop())
const bucketName = 'exchanged'
await storage.client.send(new CreateBucketCommand({ Bucket: bucketName }))

const KEY = uploadKey(UPLOAD_ID)
const STORES = {
  memory: () => createMemoryObjectStore(),
  'local storage': () => createS3ObjectStore({ client: storage.client, bucketName }),
} satisfies Record<string, () => ObjectStore>

/** A bundle whose layers have the same names and sizes for each letter. */
async function bundleOf(letter: string, method: 'stored' | 'deflated', descriptor?: string): Promise<Buffer> {
  const layers = await Promise.all([1, 2].map((number) => aLayer(`${letter}${number}`.repeat(50_000))))
  const image = await dockerArchive({ layers })
  const entries = await aBundle({ image, ...(descriptor !== undefined && { descriptor }) })
  return await packZip(entries, { compress: method === 'deflated' })
}

/** An object store that replaces the bundle before the call with this number. */
function exchanging(objects: ObjectStore, call: number, bytes: Buffer) {
  let calls = 0
  const before = async (key: string): Promise<void> => {
    if (key !== KEY) return
    calls += 1
    if (calls === call) await objects.put(KEY, bytes)
  }
  const watched: ObjectStore = {
    ...objects,
    async find(key) {
      await before(key)
      return objects.find(key)
    },
    async read(key, range, etag) {
      await before(key)
      return objects.read(key, range, etag)
    },
  }
  return { watched, calls: () => calls }
}

/** Runs the import to its end. The event of the replacement arrives while the first worker holds the upload, so it has no effect. */
async function imported(objects: ObjectStore, first: Buffer, exchange?: { call: number; bytes: Buffer }) {
  await objects.put(KEY, first)
  const { watched, calls } = exchanging(objects, exchange?.call ?? 0, exchange?.bytes ?? first)
  const importer = { ...anImporter(), objects: watched }
  await importBundle(importer, { uploadId: UPLOAD_ID, object: { key: KEY, sequencer: '01' } })
  for (let id = importer.requests.waiting.shift(); id !== undefined; id = importer.requests.waiting.shift()) {
    await importBundle(importer, { uploadId: id })
  }
  const { state, error } = await uploadOf({ ...importer, objects: createMemoryObjectStore() })
  const [task] = await wholeTasks(importer.tasks)
  return {
    outcome: { state, error, namespace: task?.namespace, digest: task?.image.digest },
    images: importer.registry.images().length,
    calls: calls(),
  }
}

const other = aDescriptorText({ namespace: 'com.example.other' })

describe.each(Object.entries(STORES))('a bundle in %s that is exchanged during its import', (_, aStore) => {
  it.each([
    ['another image', 'stored', undefined, undefined],
    ['another image', 'deflated', undefined, undefined],
    ['another task', 'stored', undefined, other],
    ['a refused bundle', 'deflated', undefined, 'no: descriptor'],
    ['a fixed bundle', 'stored', 'no: descriptor', undefined],
  ] as const)(
    'is imported with the result of %s (%s), whichever call precedes the exchange',
    async (_name, method, first, second) => {
      const before = await bundleOf('a', method, first)
      const after = await bundleOf('b', method, second)
      const whole = await imported(aStore(), before)
      const expected = await imported(aStore(), after)
      expect(expected.outcome).not.toEqual(whole.outcome)

      // The last call reads the size of the imported bundle, after the task was recorded.
      const last = first === undefined ? whole.calls : whole.calls + 1
      for (let call = 2; call < last; call += 1) {
        const { outcome, images } = await imported(aStore(), before, { call, bytes: after })
        expect({ call, outcome, images }).toEqual({
          call,
          outcome: expected.outcome,
          images: expected.images,
        })
      }
      expect(last).toBeGreaterThan(4)
    },
  )

  it('is refused when it replaces the checked file of an input', async () => {
    const objects = aStore()
    await objects.put(KEY, 'a checked file')
    const upload = { ...anUploadOf(), key: KEY }
    const sent = await sentUpload(objects, upload, 'uploadId')
    await objects.put(KEY, 'one of another kind')

    const refusal = { status: 409, error: 'UPLOAD_INVALID_STATE' }
    await expect(sent.source.read(0, 5)).rejects.toMatchObject(refusal)
    await expect(sent.store('inputs/1')).rejects.toMatchObject(refusal)
    expect(await objects.size('inputs/1')).toBeUndefined()
  })
})

function anUploadOf() {
  const createdAt = '2026-01-01T00:00:00.000Z'
  return { id: UPLOAD_ID, purpose: 'input', state: 'READY', taskId: 'none', createdAt } as const
}

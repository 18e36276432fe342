import { describe, expect, it } from 'vitest'
import { importBundle } from '../../../src/import/import-bundle.ts'
import { LEASE_SECONDS } from '../../../src/import/lease.ts'
import { deleteTask } from '../../../src/lifecycle/delete-task.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { anImporter, die, type Importer, STEPS, uploadOf } from '../../fixtures/memory-importer.ts'
import { aZip, BASE, CHANGED, layersOf, send, taskOf } from '../../fixtures/named-layers.ts'

const NEW_VERSION = { version: '1.1.0', layers: [BASE, CHANGED] }

/** An importer with the first version of a task, whose base layer a new version may leave out. */
async function withFirstVersion(): Promise<Importer> {
  const importer = anImporter()
  await send(importer, 'first', await aZip())
  return importer
}

/** Requires that the registry holds every layer of an upload's task. */
async function expectWhole(importer: Importer, id: string): Promise<void> {
  const upload = await uploadOf(importer, id)
  const { image } = await taskOf(importer, upload)
  const layers = await layersOf(importer, upload)
  expect(layers).toHaveLength(2)
  for (const layer of layers) expect(importer.registry.blob(image.repository, layer)).toBeDefined()
}

describe('bundles that lack held layers', () => {
  it('create one task when two of one version are imported concurrently', async () => {
    const importer = await withFirstVersion()
    const zip = await aZip(NEW_VERSION)

    const both = await Promise.all(['one', 'two'].map((id) => send(importer, id, zip)))

    const states = both.map(({ upload }) => upload.state)
    const [winner = ''] = both.flatMap(({ upload: { id, state } }) => (state === 'READY' ? [id] : []))
    expect(states.toSorted()).toEqual(['FAILED', 'READY'])
    expect(both.flatMap(({ upload }) => upload.error?.status ?? [])).toEqual([409])
    expect(await importer.tasks.list()).toHaveLength(2)
    for (const id of ['first', winner]) await expectWhole(importer, id)
  })

  it('are refused when another import took the name during a long push, and undo only their own steps', async () => {
    const importer = await withFirstVersion()
    const zip = await aZip(NEW_VERSION)
    const slow: Importer = {
      ...importer,
      registry: {
        ...importer.registry,
        pushBlob: async (repository, bytes) => {
          importer.identity.advance(LEASE_SECONDS + 1)
          if ((await importer.uploads.find('two')) === undefined) await send(importer, 'two', zip)
          return importer.registry.pushBlob(repository, bytes)
        },
      },
    }

    const { upload } = await send(slow, 'one', zip)

    expect(upload.error?.status).toBe(409)
    for (const id of ['first', 'two']) await expectWhole(importer, id)
  })

  it.each(STEPS)('end READY after their worker died at %s', async (step) => {
    const importer = await withFirstVersion()
    const zip = await aZip(NEW_VERSION)
    await die(importer, step, (dying) => send(dying, 'second', zip))
    importer.identity.advance(LEASE_SECONDS + 1)

    await importBundle(importer, { uploadId: 'second' })

    expect((await uploadOf(importer, 'second')).state).toBe('READY')
    expect(await importer.tasks.list()).toHaveLength(2)
    for (const id of ['first', 'second']) await expectWhole(importer, id)
  })

  it('keep their image when the task with the layers is deleted during their import', async () => {
    const importer = await withFirstVersion()
    const first = await uploadOf(importer, 'first')
    const deleting: Importer = {
      ...importer,
      registry: {
        ...importer.registry,
        pushManifest: async (...image) => {
          await deleteTask({ ...(await anEngine()), ...importer }, await taskOf(importer, first))
          return importer.registry.pushManifest(...image)
        },
      },
    }

    const { upload } = await send(deleting, 'second', await aZip(NEW_VERSION))

    expect(upload.state).toBe('READY')
    expect(await importer.tasks.findById(first.taskId)).toBeUndefined()
    await expectWhole(importer, 'second')
  })
})

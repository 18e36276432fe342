import { beforeEach, describe, expect, it } from 'vitest'
import { importBundle } from '../../../src/import/import-bundle.ts'
import { installTask } from '../../../src/import/install-task.ts'
import { LEASE_SECONDS } from '../../../src/import/lease.ts'
import { createStore } from '../../../src/store/create-store.ts'
import { summaryOf } from '../../../src/task/task.ts'
import type { Upload } from '../../../src/upload/upload.ts'
import { createMemoryImageRegistry } from '../../fakes/memory-image-registry.ts'
import { aTask } from '../../fixtures/builders.ts'
import { aBundle, packZip } from '../../fixtures/bundle-builder.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { IMPORT_SETTINGS } from '../../fixtures/memory-importer.ts'

/** Name in the descriptors of test bundles. */
const NAME = { namespace: 'com.example.addition', version: '1.0.0' }
const URL_OF_BUNDLE = 'http://127.0.0.1:9000/api/v1/tasks/com.example.addition/1.0.0/bundle.zip'

/** An engine with a task of another name, whose importer runs while the client waits. */
async function anInstaller() {
  const engine = await anEngine({ task: aTask({ namespace: 'com.example.other' }) })
  const asked: string[] = []
  const importer = {
    ...engine,
    registry: createMemoryImageRegistry(),
    repeat: () => () => {},
    settings: IMPORT_SETTINGS,
  }
  const pause = async () => {
    engine.identity.advance(1)
    for (const uploadId of engine.requests.waiting.splice(0)) {
      asked.push(uploadId)
      // Failures are logged, and recorded in the upload for the client.
      await importBundle(importer, { uploadId }).catch(() => {})
    }
  }
  const uploaded = async (): Promise<Upload | undefined> => await engine.uploads.find(asked.at(-1) ?? '')
  return { ...engine, importer, pause, asked, uploaded }
}

const downloadRefused = (words: string) =>
  expect.objectContaining({
    name: 'ImportRefusedError',
    refusal: expect.objectContaining({
      status: 400,
      errorCode: 'APPE-appstore-download-failure',
      details: { type: 'related', parameterName: 'bundle', description: expect.stringContaining(words) },
    }),
  })

const downloadFailed = (words: string) =>
  expect.objectContaining({
    error: 'APPSTORE_DOWNLOAD_FAILED',
    status: 400,
    details: {
      type: 'related',
      parameterName: 'bundle',
      description: expect.stringContaining(words),
    },
  })

describe('installing a task from the default store', () => {
  let installer: Awaited<ReturnType<typeof anInstaller>>
  beforeEach(async () => {
    installer = await anInstaller()
  })

  async function useStore(host: string): Promise<void> {
    const store = await createStore(installer, { name: 'Store', host })
    await installer.stores.makeDefault(store.id)
  }
  const offer = async (
    changes: Parameters<typeof aBundle>[0] = {},
    options?: { readonly isBroken: boolean },
  ): Promise<void> => installer.bundles.offer(URL_OF_BUNDLE, await packZip(await aBundle(changes)), options)

  it('returns the task of the bundle', async () => {
    await useStore('http://127.0.0.1:9000//')
    await offer()

    const installed = await installTask(installer, NAME)

    const task = await installer.tasks.findByName(NAME.namespace, NAME.version)
    expect(installed).toEqual({ task, warnings: [] })
    expect(task).toMatchObject(NAME)
    expect(await installer.uploaded()).toMatchObject({ state: 'READY', taskId: task?.id, expected: NAME })
    expect(installer.objects.keys().filter((key) => key.startsWith('installs/'))).toEqual([])
  })

  it('is refused without a default store, even if stores exist', async () => {
    await createStore(installer, { name: 'Store', host: 'http://127.0.0.1:9000' })

    await expect(installTask(installer, NAME)).rejects.toMatchObject({ error: 'APPSTORE_NO_DEFAULT_STORE' })

    expect(installer.requests.waiting).toEqual([])
  })

  it('is refused before the download when the task exists', async () => {
    await useStore('http://127.0.0.1:9000')
    const { namespace, version } = installer.task

    await expect(installTask(installer, { namespace, version })).rejects.toMatchObject({
      error: 'INTERNAL_TASK_EXISTS',
    })

    expect(installer.bundles.opened).toEqual([])
  })

  it.each([
    { namespace: '..', version: '1.0.0' },
    { namespace: 'com.example/addition', version: '1.0.0' },
    { namespace: 'com.example.addition', version: 'latest' },
    { namespace: `com.${'x'.repeat(3000)}`, version: '1.0.0' },
  ])('sends no request to a store for an invalid name or version: $namespace $version', async (name) => {
    await useStore('http://127.0.0.1:9000')

    await expect(installTask(installer, name)).rejects.toEqual(downloadFailed('no task can have'))

    expect(installer.bundles.opened).toEqual([])
  })

  it.each([
    ['is not a URL', 'store.example.org', 'not a URL'],
    ['has another scheme', 'ftp://127.0.0.1:9000', 'not by ftp'],
  ])('requests no import when the host %s', async (_, host, words) => {
    await useStore(host)
    await offer()

    await expect(installTask(installer, NAME)).rejects.toEqual(downloadFailed(words))

    expect(installer.requests.waiting).toEqual([])
  })

  it('ends with the upload FAILED and nothing stored when the store does not have the bundle', async () => {
    await useStore('http://127.0.0.1:9001')
    await offer()

    await expect(installTask(installer, NAME)).rejects.toEqual(downloadRefused('returned no bundle'))

    expect(installer.objects.keys()).toEqual([])
    expect(await installer.uploaded()).toMatchObject({ state: 'FAILED' })
  })

  it('ends with the upload FAILED and nothing stored when the download is interrupted', async () => {
    await useStore('http://127.0.0.1:9000')
    await offer({}, { isBroken: true })

    await expect(installTask(installer, NAME)).rejects.toEqual(downloadRefused('interrupted'))

    expect(installer.objects.keys()).toEqual([])
    expect(await installer.uploaded()).toMatchObject({ state: 'FAILED' })
  })

  it('downloads the bundle once when the import is repeated', async () => {
    await useStore('http://127.0.0.1:9000')
    await offer()
    const died = Promise.withResolvers<void>()
    const registry = {
      ...installer.importer.registry,
      pushBlob: () => {
        died.resolve()
        return new Promise<never>(() => {})
      },
    }
    const pause = async () => {
      for (const uploadId of installer.requests.waiting.splice(0)) {
        void importBundle({ ...installer.importer, registry }, { uploadId })
        await died.promise
        installer.identity.advance(LEASE_SECONDS + 1)
      }
    }
    const { upload } = (await installTask({ ...installer, pause }, NAME)) as { upload: Upload }

    await importBundle(installer.importer, { uploadId: upload.id })

    expect(await installer.tasks.findByName(NAME.namespace, NAME.version)).toBeDefined()
    expect(installer.bundles.opened).toHaveLength(1)
  })

  it('publishes nothing when the store sends another task', async () => {
    const name = { ...NAME, version: '1.0.1' }
    await useStore('http://127.0.0.1:9000')
    installer.bundles.offer(URL_OF_BUNDLE.replace('1.0.0', '1.0.1'), await packZip(await aBundle()))

    const installed = installTask(installer, name)

    await expect(installed).rejects.toMatchObject({
      name: 'ImportRefusedError',
      refusal: {
        status: 400,
        errorCode: 'APPE-appstore-download-failure',
        details: {
          type: 'related',
          description:
            'the bundle contains com.example.addition 1.0.0 instead of com.example.addition 1.0.1: report it to the operator of the store, or upload the bundle',
        },
      },
    })
    expect(await installer.tasks.list()).toEqual([summaryOf(installer.task)])
    expect(await installer.tasks.findByName(NAME.namespace, NAME.version)).toBeUndefined()
  })

  it('is refused like an upload when the bundle is invalid', async () => {
    await useStore('http://127.0.0.1:9000')
    installer.bundles.offer(URL_OF_BUNDLE, Buffer.from('<html>Sign in</html>'))

    await expect(installTask(installer, NAME)).rejects.toMatchObject({
      refusal: { errorCode: 'APPE-internal-descriptor-extraction-error' },
    })
  })

  it('returns the upload when the import takes longer than the gateway’s time-out', async () => {
    await useStore('http://127.0.0.1:9000')
    await offer()
    const pause = async () => installer.identity.advance(5)

    const installed = await installTask({ ...installer, pause }, NAME)

    expect(installed).toMatchObject({ upload: { state: 'CREATED', expected: NAME } })
  })
})

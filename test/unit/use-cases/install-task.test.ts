import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryImageRegistry } from '../../../src/adapters/memory/memory-image-registry.ts'
import { uploadKey } from '../../../src/domain/storage-keys.ts'
import type { Upload } from '../../../src/ports.ts'
import { createStore } from '../../../src/use-cases/create-store.ts'
import { importBundle } from '../../../src/use-cases/import-bundle.ts'
import { installTask } from '../../../src/use-cases/install-task.ts'
import { aTask } from '../../fixtures/builders.ts'
import { aBundle, packZip } from '../../fixtures/bundle-builder.ts'
import { anEngine } from '../../fixtures/engine.ts'

/** What the descriptors of test bundles say. */
const NAME = { namespace: 'com.example.addition', version: '1.0.0' }
const URL_OF_BUNDLE = 'http://127.0.0.1:9000/api/v1/tasks/com.example.addition/1.0.0/bundle.zip'

/** An engine whose other task has another name, and whose importer works while the client waits. */
async function anInstaller() {
  const engine = await anEngine({ task: aTask({ namespace: 'com.example.other' }) })
  const imported: string[] = []
  const uploads = {
    ...engine.uploads,
    create: async (upload: Upload) => {
      imported.push(upload.id)
      await engine.uploads.create(upload)
    },
  }
  const importer = {
    ...engine,
    registry: createMemoryImageRegistry(),
    settings: {
      repositoryPrefix: 'tasks',
      job: {
        definitionPrefix: 'test',
        stagerImage: 'stager:1',
        executionRoleArn: 'arn:aws:iam::000000000000:role/execution',
        logGroupName: 'jobs',
        region: 'eu-west-1',
        attemptTimeoutSeconds: 3600,
      },
    },
  }
  const pause = async () => {
    engine.identity.advance(1)
    for (const uploadId of imported) await importBundle(importer, { uploadId, key: uploadKey(uploadId) })
  }
  const uploaded = async (): Promise<Upload | undefined> => await engine.uploads.find(imported.at(-1) ?? '')
  return { ...engine, uploads, pause, registry: importer.registry, imported, uploaded }
}

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

  it('gives the task that its bundle holds', async () => {
    await useStore('http://127.0.0.1:9000//')
    await offer()

    const task = await installTask(installer, NAME)

    expect(task).toMatchObject(NAME)
    expect(await installer.tasks.findByName(NAME.namespace, NAME.version)).toEqual(task)
    expect(await installer.uploaded()).toMatchObject({ state: 'READY', taskId: task.id, expected: NAME })
  })

  it('is refused without a default store, however many there are', async () => {
    await createStore(installer, { name: 'Store', host: 'http://127.0.0.1:9000' })

    await expect(installTask(installer, NAME)).rejects.toMatchObject({ error: 'APPSTORE_NO_DEFAULT_STORE' })

    expect(installer.imported).toEqual([])
  })

  it('is refused before the download when the task is there', async () => {
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
  ])('never asks a store for a task that cannot be: $namespace $version', async (name) => {
    await useStore('http://127.0.0.1:9000')

    await expect(installTask(installer, name)).rejects.toEqual(downloadFailed('no task can have'))

    expect(installer.bundles.opened).toEqual([])
  })

  it.each([
    ['is no URL', 'store.example.org', 'no URL'],
    ['has another scheme', 'ftp://127.0.0.1:9000', 'not by ftp'],
    ['has no such bundle', 'http://127.0.0.1:9001', 'status 404'],
  ])('leaves the upload FAILED and nothing stored when the host %s', async (_, host, words) => {
    await useStore(host)
    await offer()

    await expect(installTask(installer, NAME)).rejects.toEqual(downloadFailed(words))

    expect(installer.objects.keys()).toEqual([])
    expect(await installer.uploaded()).toMatchObject({
      state: 'FAILED',
      error: { status: 400, errorCode: 'APPE-appstore-download-failure' },
    })
  })

  it('leaves the upload FAILED and nothing stored when the download breaks off', async () => {
    await useStore('http://127.0.0.1:9000')
    await offer({}, { isBroken: true })

    await expect(installTask(installer, NAME)).rejects.toEqual(downloadFailed('broke off'))

    expect(installer.objects.keys()).toEqual([])
    expect(await installer.uploaded()).toMatchObject({ state: 'FAILED' })
  })

  it('tells nothing of a failing bucket, and leaves the upload FAILED', async () => {
    await useStore('http://127.0.0.1:9000')
    await offer()
    const failure = new Error('bucket arn:secret')
    const objects = { write: () => Promise.reject(failure) }

    await expect(installTask({ ...installer, objects }, NAME)).rejects.toBe(failure)

    expect(await installer.uploaded()).toMatchObject({
      state: 'FAILED',
      error: { status: 500, details: { type: 'server', exceptionMessage: null } },
    })
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
          description: 'the bundle holds com.example.addition 1.0.0 instead of com.example.addition 1.0.1',
        },
      },
    })
    expect(await installer.tasks.list()).toEqual([installer.task])
    expect(await installer.tasks.findByName(NAME.namespace, NAME.version)).toBeUndefined()
  })

  it('is refused like an upload when the bundle is no good', async () => {
    await useStore('http://127.0.0.1:9000')
    installer.bundles.offer(URL_OF_BUNDLE, Buffer.from('<html>Sign in</html>'))

    await expect(installTask(installer, NAME)).rejects.toMatchObject({
      refusal: { errorCode: 'APPE-internal-descriptor-extraction-error' },
    })
  })

  it('gives up on an import that outlasts the patience of the gateway', async () => {
    await useStore('http://127.0.0.1:9000')
    await offer()
    const pause = async () => installer.identity.advance(5)

    await expect(installTask({ ...installer, pause }, NAME)).rejects.toMatchObject({
      error: 'INTERNAL_SERVER_ERROR',
      details: { exceptionMessage: expect.stringContaining('still goes on') },
    })

    expect(await installer.uploaded()).toMatchObject({ state: 'CREATED' })
  })

  it('counts the time of the download as waiting', async () => {
    await useStore('http://127.0.0.1:9000')
    await offer()
    let pauses = 0
    const objects = {
      ...installer.objects,
      write: async (...input: Parameters<typeof installer.objects.write>) => {
        installer.identity.advance(27)
        return await installer.objects.write(...input)
      },
    }
    const pause = async () => {
      pauses += 1
    }

    await expect(installTask({ ...installer, objects, pause }, NAME)).rejects.toMatchObject({
      error: 'INTERNAL_SERVER_ERROR',
    })

    expect(pauses).toBe(1)
  })
})

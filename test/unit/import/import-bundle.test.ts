import { beforeEach, describe, expect, it } from 'vitest'
import { uploadKey } from '../../../src/contract/storage-keys.ts'
import { LEASE_SECONDS } from '../../../src/import/lease.ts'
import type { ImageRegistry } from '../../../src/import/registry/image-registry.ts'
import type { Task } from '../../../src/task/task.ts'
import { findUpload } from '../../../src/upload/find-upload.ts'
import type { Upload } from '../../../src/upload/upload.ts'
import {
  aBundle,
  aDescriptorText,
  aLayer,
  digestOf,
  dockerArchive,
  type FileEntry,
  legacyDockerArchive,
  nestedOciLayout,
  packTar,
  packZip,
} from '../../fixtures/bundle-builder.ts'
import {
  anImporter,
  die,
  type Importer,
  put,
  run,
  runToTheEnd,
  STEPS,
  UPLOAD_ID,
  uploadOf,
} from '../../fixtures/memory-importer.ts'
import { wholeTasks } from '../../fixtures/whole-tasks.ts'

async function taskOf(importer: Importer, id = UPLOAD_ID): Promise<Task> {
  const task = await importer.tasks.findById((await uploadOf(importer, id)).taskId)
  if (task === undefined) throw new Error('there is no task')
  return task
}

/** The importer with other implementations of some calls to the registry. */
function withRegistry(importer: Importer, replaced: Partial<ImageRegistry>): Importer {
  return { ...importer, registry: { ...importer.registry, ...replaced } }
}

const dies = async (): Promise<never> => {
  throw new Error('the worker died')
}

describe('importing a bundle', () => {
  let importer: Importer

  beforeEach(() => {
    importer = anImporter()
  })

  it.each([
    ['docker save before 25', legacyDockerArchive],
    ['docker save since 25', dockerArchive],
    ['an OCI layout', nestedOciLayout],
  ])('installs the task with the image of an archive by %s', async (_, build) => {
    await put(importer, await aBundle({ image: await build() }))

    const upload = await run(importer)

    const task = await taskOf(importer)
    const { repository, digest } = task.image
    const [definition] = [...importer.scheduler.definitions.values()]
    expect(upload.state).toBe('READY')
    expect(task).toMatchObject({ id: upload.taskId, namespace: 'com.example.addition', hasLogo: false })
    expect(importer.registry.manifest(repository, digest)).toBeDefined()
    expect(definition?.ecsProperties.taskProperties[0].containers[1]?.image).toBe(
      importer.registry.reference(repository, digest),
    )
  })

  it('compresses plain layers and pushes compressed ones unchanged', async () => {
    const layer = await aLayer()
    const image = await dockerArchive({ layers: [layer], compression: 'zstd' })
    await put(importer, await aBundle({ image }))

    await run(importer)

    const { repository, digest } = (await taskOf(importer)).image
    const manifest = JSON.parse(String(importer.registry.manifest(repository, digest)))
    const sent = image.find(({ name }) => name === `blobs/${manifest.layers[0].digest.replace(':', '/')}`)
    expect(manifest.layers[0].mediaType).toBe('application/vnd.oci.image.layer.v1.tar+zstd')
    expect(importer.registry.blob(repository, manifest.layers[0].digest)).toEqual(sent?.body)
  })

  it('keeps descriptor and logo byte for byte, and no object of the upload', async () => {
    const text = `# first line\r\n${aDescriptorText()}`
    const bundle = await aBundle({ descriptor: text })
    await put(importer, [...bundle, { name: 'LOGO.png', body: 'picture' }])

    const { taskId } = await run(importer)

    expect(importer.objects.keys()).toEqual([
      `task-${taskId}-def/descriptor.yml`,
      `task-${taskId}-def/logo.png`,
    ])
    expect(importer.objects.text(`task-${taskId}-def/descriptor.yml`)).toBe(text)
    expect(importer.objects.text(`task-${taskId}-def/logo.png`)).toBe('picture')
    expect((await taskOf(importer)).hasLogo).toBe(true)
  })

  it('uses an existing upload and its task id', async () => {
    const announced: Upload = {
      id: UPLOAD_ID,
      key: uploadKey(UPLOAD_ID),
      purpose: 'task',
      state: 'CREATED',
      taskId: 'announced-task',
      createdAt: '2026-01-01T00:00:00.000Z',
    }
    await importer.uploads.create(announced)
    await put(importer, await aBundle())

    await run(importer)

    expect((await taskOf(importer)).id).toBe('announced-task')
  })

  it('records its progress', async () => {
    const layers = await Promise.all(['one', 'two'].map((content) => aLayer(content)))
    await put(importer, await aBundle({ image: await dockerArchive({ layers }) }))
    const seen: Upload['progress'][] = []
    const uploads: Importer['uploads'] = {
      ...importer.uploads,
      update: async (id, change) => {
        if (change.progress !== undefined) seen.push(change.progress)
        await importer.uploads.update(id, change)
      },
    }

    await run({ ...importer, uploads })

    const bytes = (await packTar(await dockerArchive({ layers }))).length
    expect(seen[0]).toEqual({ layers: 0, layersDone: 0, bytes, bytesDone: 0 })
    expect(seen.at(-1)).toEqual({ layers: 2, layersDone: 2, bytes, bytesDone: bytes })
  })

  it('installs a task that no machine can run, and stores the reason', async () => {
    await put(importer, await aBundle({ descriptor: aDescriptorText({ gpus: 2 }) }))

    await run(importer)

    const task = await taskOf(importer)
    expect(task.jobDefinitionArn).toBeNull()
    expect(task.unschedulableReason).toContain('GPU')
    expect(importer.scheduler.definitions.size).toBe(0)
  })

  it('ignores any object under the key of an upload by the API that has ended', async () => {
    const id = '0a1b2c3d-0a1b-4a1b-8a1b-0a1b2c3d4e5f'
    await put(importer, await aBundle(), id)
    await run(importer, id)
    await put(importer, await aBundle({ descriptor: 'no descriptor' }), id)

    const upload = await run(importer, id)

    expect(upload.state).toBe('READY')
    expect(await importer.tasks.list()).toHaveLength(1)
  })

  describe('finding the parts of a bundle', () => {
    const descriptor = { name: 'descriptor.yml', body: aDescriptorText({ imageFile: '/folder/named.tar' }) }

    async function imageUsed(names: readonly string[]): Promise<string | undefined> {
      const layers = await Promise.all(names.map((name) => aLayer(name)))
      const images = names.map(async (name, index) => ({
        name,
        body: await packTar(await dockerArchive({ layers: layers.slice(index, index + 1) })),
      }))
      await put(importer, [...(await Promise.all(images)), descriptor])
      await run(importer)
      const { repository, digest } = (await taskOf(importer)).image
      const { config } = JSON.parse(String(importer.registry.manifest(repository, digest)))
      const { rootfs } = JSON.parse(String(importer.registry.blob(repository, config.digest)))
      return names[layers.findIndex((layer) => digestOf(layer) === rootfs.diff_ids[0])]
    }

    const own = 'com.example.addition-1.0.0.tar'

    it.each([
      ['where the descriptor says', ['image.tar', own, 'folder/named.tar'], 'folder/named.tar'],
      ['by namespace and version', ['image.tar', 'other.tar', own], own],
      ['as image.tar', ['other.tar', 'image.tar'], 'image.tar'],
      ['as the only tar', ['anywhere/else.tar'], 'anywhere/else.tar'],
    ])('finds the image %s', async (_, names, expected) => {
      expect(await imageUsed(names)).toBe(expected)
    })

    it.each(['descriptor.yaml', 'Descriptor.YML'])('finds the descriptor under the name %s', async (name) => {
      const [, image] = await aBundle()
      await put(importer, [...(image === undefined ? [] : [image]), { name, body: aDescriptorText() }])

      expect((await run(importer)).state).toBe('READY')
    })

    it('prefers descriptor.yml to descriptor.yaml', async () => {
      await put(importer, [{ name: 'descriptor.yaml', body: 'nothing' }, ...(await aBundle())])

      expect((await run(importer)).state).toBe('READY')
    })
  })
})

describe('a refused bundle', () => {
  const UNKNOWN = ['APPE-internal-bundle-validation-error', 'unknown task bundle archive format']
  const NOT_EXTRACTED = [
    'APPE-internal-descriptor-extraction-error',
    'failed to extract descriptor.yml from from bundle',
  ]
  const descriptor = { name: 'descriptor.yml', body: aDescriptorText() }
  const withImage = async (image: readonly FileEntry[]) => await packZip(await aBundle({ image }))
  const without = (entries: readonly FileEntry[], name: string) =>
    entries.filter((entry) => entry.name !== name)

  const cases: [what: string, bytes: () => Promise<Buffer>, expected: readonly string[], words: string][] = [
    ['an empty file', async () => Buffer.alloc(0), NOT_EXTRACTED, 'empty'],
    ['a file that is not a zip', async () => Buffer.from('7z, say'), NOT_EXTRACTED, 'not a zip'],
    [
      'a truncated zip',
      async () => (await packZip(await aBundle())).subarray(0, -40),
      NOT_EXTRACTED,
      'cut short',
    ],
    [
      'no descriptor',
      async () => await packZip([{ name: 'sub/descriptor.yml', body: aDescriptorText() }]),
      ['APPE-internal-bundle-validation-error', 'descriptor is not found in the default location'],
      'sub/descriptor.yml',
    ],
    [
      'a descriptor that is not a text',
      async () => await packZip([{ name: 'descriptor.yml', body: Buffer.from([0xff, 0xfe]) }]),
      NOT_EXTRACTED,
      'UTF-8',
    ],
    [
      'no image',
      async () => await packZip([descriptor]),
      [
        'APPE-internal-bundle-validation-error',
        'image not found in configured place in descriptor and not in the root directory',
      ],
      'image.tar',
    ],
    [
      'two images to choose from',
      async () => await packZip([descriptor, { name: 'a.tar' }, { name: 'b.tar' }]),
      [
        'APPE-internal-bundle-validation-error',
        'image not found in configured place in descriptor and not in the root directory',
      ],
      'a.tar, b.tar',
    ],
    [
      'an image that is not a tar',
      async () => await packZip([descriptor, { name: 'image.tar', body: 'plain text '.repeat(100) }]),
      UNKNOWN,
      'not a tar',
    ],
    [
      'an image archive without manifest',
      async () => await withImage([{ name: 'layer.tar' }]),
      ['APPE-internal-bundle-image-validation-error', 'image is not invalid manifest is missing'],
      'docker save',
    ],
    [
      'an image for another platform',
      async () => await withImage(await dockerArchive({ platform: { os: 'linux', architecture: 'arm64' } })),
      UNKNOWN,
      'linux/arm64',
    ],
    [
      'a missing layer',
      async () =>
        await withImage(
          without(await dockerArchive(), `blobs/${digestOf(await aLayer()).replace(':', '/')}`),
        ),
      UNKNOWN,
      'lacks',
    ],
    [
      'a layer with another diff id',
      async () => await withImage(await dockerArchive({ diffIds: [digestOf('other')] })),
      UNKNOWN,
      'diff id',
    ],
    ...(['none', 'gzip', 'zstd'] as const).map((compression): (typeof cases)[number] => [
      `a link where the inputs are mounted, in a layer compressed by ${compression}`,
      async () => {
        const link = { name: 'inputs', type: 'symlink' as const, linkname: '/usr' }
        const layers = [await aLayer(), await packTar([link])]
        return await withImage(await dockerArchive({ layers, compression }))
      },
      UNKNOWN,
      'the image has a link at',
    ]),
    [
      'an image without a command',
      async () => await withImage(await dockerArchive({ command: {} })),
      ['APPE-internal-image-validation-error', 'unknown image archive format'],
      'ENTRYPOINT',
    ],
    [
      'a huge logo',
      async () => await packZip([...(await aBundle()), { name: 'logo.png', body: Buffer.alloc(5_000_000) }]),
      ['APPE-internal-bundle-validation-error', 'Invalid bundle format'],
      'logo',
    ],
  ]

  it.each(cases)('with %s leaves nothing except its error', async (_, bytes, [errorCode, message], words) => {
    const importer = anImporter()
    await put(importer, await bytes())

    const upload = await run(importer)

    expect(upload).toMatchObject({ state: 'FAILED', error: { status: 400, errorCode, message } })
    expect(JSON.stringify(upload.error?.details)).toContain(words)
    expect(await importer.tasks.list()).toEqual([])
    expect(importer.registry.images()).toEqual([])
    expect(importer.scheduler.definitions.size).toBe(0)
    expect(importer.objects.keys()).toEqual([])
  })

  it('is refused with all problems when it violates the schema', async () => {
    const importer = anImporter()
    const text = aDescriptorText().replace('version: 1.0.0', '')
    await put(importer, await aBundle({ descriptor: text }))

    const upload = await run(importer)

    expect(upload.error?.errorCode).toBe('APPE-internal-bundle-schema-validation-error')
    expect(upload.error?.details).toMatchObject({ type: 'batch' })
  })

  it('is refused when it is missing', async () => {
    const importer = anImporter()
    const created = { id: UPLOAD_ID, key: uploadKey(UPLOAD_ID), taskId: 'task-1', createdAt: '2026-01-01' }
    await importer.uploads.create({ ...created, purpose: 'task', state: 'CREATED' })

    const upload = await run(importer)

    expect(upload.error).toMatchObject({ status: 400, errorCode: NOT_EXTRACTED[0] })
  })

  it('releases the name of its task', async () => {
    const importer = anImporter()
    await put(importer, await aBundle({ image: [] }))
    await run(importer)
    await put(importer, await aBundle(), 'upload-2')

    expect((await run(importer, 'upload-2')).state).toBe('READY')
  })
})

describe('a bundle whose name is taken', () => {
  it('is refused and leaves the installed task unchanged', async () => {
    const importer = anImporter()
    await put(importer, await aBundle())
    await run(importer)
    const images = importer.registry.images()
    await put(importer, await aBundle(), 'upload-2')

    const upload = await run(importer, 'upload-2')

    expect(upload.error).toMatchObject({ status: 409, errorCode: 'APPE-internal-task-exists' })
    expect(importer.registry.images()).toEqual(images)
    expect(await importer.tasks.list()).toHaveLength(1)
    expect(importer.scheduler.definitions.size).toBe(1)
  })

  it('creates one task when two bundles are imported concurrently, and keeps its image', async () => {
    const importer = anImporter()
    await put(importer, await aBundle())
    await put(importer, await aBundle(), 'upload-2')

    const uploads = await Promise.all([run(importer), run(importer, 'upload-2')])

    const [task] = await wholeTasks(importer.tasks)
    expect(uploads.map(({ state }) => state).sort()).toEqual(['FAILED', 'READY'])
    expect(uploads.flatMap(({ error }) => error?.status ?? [])).toEqual([409])
    expect(await importer.tasks.list()).toHaveLength(1)
    expect(importer.registry.manifest(task?.image.repository ?? '', task?.image.digest ?? '')).toBeDefined()
  })

  it('is refused when another import took the name during a long push, and keeps the image of the other import', async () => {
    const importer = anImporter()
    await put(importer, await aBundle())
    await put(importer, await aBundle(), 'upload-2')
    const slow = withRegistry(importer, {
      pushBlob: async (repository, bytes) => {
        importer.identity.advance(LEASE_SECONDS + 1)
        if ((await importer.uploads.find('upload-2')) === undefined) await run(importer, 'upload-2')
        return await importer.registry.pushBlob(repository, bytes)
      },
    })

    const upload = await run(slow)

    expect(upload.error?.status).toBe(409)
    expect((await uploadOf(importer, 'upload-2')).state).toBe('READY')
    expect(importer.registry.images()).toHaveLength(1)
  })
})

describe('a bundle that is put directly into the bucket', () => {
  it("is imported under its object's name, and again after it was replaced", async () => {
    const importer = anImporter()
    await put(importer, [{ name: 'descriptor.yml', body: 'no: descriptor' }], 'task.zip')
    const refused = await run(importer, 'task.zip')
    const words = (await findUpload(importer, 'task.zip')).error
    await put(importer, await aBundle(), 'task.zip')

    const mended = await run(importer, 'task.zip', '02')

    expect([refused.state, words?.status, mended.state]).toEqual(['FAILED', 400, 'READY'])
    expect(importer.registry.images()).toHaveLength(1)
    expect(importer.objects.keys().filter((key) => key.startsWith('uploads/'))).toEqual([])
  })

  it('is not imported again for a second event of the same object', async () => {
    const importer = anImporter()
    await put(importer, await aBundle(), 'task.zip')
    const first = await run(importer, 'task.zip')

    const second = await run(importer, 'task.zip')

    expect(second).toEqual(first)
  })

  it('is not imported again for a second event that finds the object while it is being removed', async () => {
    const importer = anImporter()
    const bundle = await aBundle()
    await put(importer, bundle, 'task.zip')
    const first = await run(importer, 'task.zip')
    await put(importer, bundle, 'task.zip')

    const second = await run(importer, 'task.zip')

    expect(second).toEqual(first)
    expect(importer.registry.images()).toHaveLength(1)
  })
})

describe('an import that fails', () => {
  it.each<keyof ImageRegistry>(['ensureRepository', 'pushBlob', 'pushManifest'])(
    'at %s leaves nothing and reports no details',
    async (step) => {
      const importer = anImporter()
      await put(importer, await aBundle())

      const failing = runToTheEnd(withRegistry(importer, { [step]: dies }))

      await expect(failing).rejects.toMatchObject({
        name: 'ImportFailedError',
        cause: { message: 'the worker died' },
      })

      const upload = await uploadOf(importer)
      expect(upload.state).toBe('FAILED')
      expect(upload.error).toEqual({
        status: 500,
        errorCode: 'APPE-internal-server-error',
        message: 'Server error.',
        details: { type: 'server', exceptionMessage: null },
      })
      expect(importer.registry.images()).toEqual([])
      expect(importer.objects.keys()).toEqual([])
    },
  )

  it('undoes all steps when the task cannot be recorded', async () => {
    const importer = anImporter()
    await put(importer, await aBundle())

    await expect(runToTheEnd({ ...importer, tasks: { ...importer.tasks, publish: dies } })).rejects.toThrow(
      'failed',
    )

    expect(importer.registry.images()).toEqual([])
    expect(importer.scheduler.definitions.size).toBe(0)
    expect(importer.objects.keys()).toEqual([])
  })

  it('undoes the remaining steps when one cannot be undone, and reports both errors', async () => {
    const importer = anImporter()
    await put(importer, await aBundle())
    const scheduler = { ...importer.scheduler, deregisterDefinition: dies }
    const tasks = { ...importer.tasks, publish: dies }

    await expect(runToTheEnd({ ...importer, scheduler, tasks })).rejects.toMatchObject({
      cause: expect.any(AggregateError),
    })

    expect((await uploadOf(importer)).state).toBe('FAILED')
    expect(importer.registry.images()).toEqual([])
  })

  it('is completed when the failure came after the task was recorded', async () => {
    const importer = anImporter()
    await put(importer, await aBundle())
    const tasks: Importer['tasks'] = {
      ...importer.tasks,
      publish: async (task, uploadId) => {
        await importer.tasks.publish(task, uploadId)
        throw new Error('the answer got lost')
      },
    }

    const upload = await run({ ...importer, tasks })

    expect(upload.state).toBe('READY')
    expect(importer.registry.images()).toHaveLength(1)
  })
})

describe('an import whose worker died', () => {
  it.each(STEPS)(
    'at %s ends READY when it is repeated after the lease, with the same task id',
    async (step) => {
      const importer = anImporter()
      await put(importer, await aBundle())
      await die(importer, step, run)
      const before = await uploadOf(importer)
      importer.identity.advance(LEASE_SECONDS + 1)

      const upload = await run(importer)

      const tasks = await importer.tasks.list()
      expect(before.state).not.toBe('READY')
      expect(upload).toMatchObject({ state: 'READY', taskId: before.taskId })
      expect(tasks.map(({ id }) => id)).toEqual([before.taskId])
      expect(importer.registry.images()).toHaveLength(1)
      expect(importer.objects.keys()).toEqual([`task-${before.taskId}-def/descriptor.yml`])
    },
  )

  it('is not continued by an event, and is found by the sweeper', async () => {
    const importer = anImporter()
    await put(importer, await aBundle())
    await die(importer, 'pushBlob', run)

    const between = await run(importer)

    importer.identity.advance(LEASE_SECONDS)
    expect(between.state).toBe('PUSHING')
    expect(await importer.uploads.listStalled(importer.identity.now(), 10)).toEqual([UPLOAD_ID])
  })

  it('ignores an event after its end', async () => {
    const importer = anImporter()
    await put(importer, await aBundle())
    const upload = await run(importer)

    expect(await run(importer)).toEqual(upload)
  })
})

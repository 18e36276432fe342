import { beforeEach, describe, expect, it } from 'vitest'
import { DomainError } from '../../../src/contract/errors.ts'
import { uploadKey } from '../../../src/contract/storage-keys.ts'
import { importBundle } from '../../../src/import/import-bundle.ts'
import { BEAT_SECONDS, LEASE_SECONDS } from '../../../src/import/lease.ts'
import { type ImageRegistry, RegistryUnavailableError } from '../../../src/import/registry/image-registry.ts'
import {
  aBundle,
  aDescriptorText,
  aLayer,
  type Compression,
  dockerArchive,
  type FileEntry,
  packTar,
  packZip,
} from '../../fixtures/bundle-builder.ts'
import {
  anImporter,
  type Importer,
  put,
  run,
  runToTheEnd,
  UPLOAD_ID,
  uploadOf,
} from '../../fixtures/memory-importer.ts'
import { wholeTasks } from '../../fixtures/whole-tasks.ts'

const LAYERS = 3

async function aBundleOf(
  method: 'deflated' | 'stored',
  compression: Compression = 'none',
  count = LAYERS,
): Promise<Buffer> {
  const contents = Array.from({ length: count }, (_, index) => `layer ${index} `.repeat(2000))
  const layers = await Promise.all(contents.map((content) => aLayer(content)))
  const image = await dockerArchive({ layers, compression })
  return await packZip(await aBundle({ image }), { compress: method === 'deflated' })
}

/** The importer with other implementations of some calls to the registry. */
function withRegistry(importer: Importer, replaced: Partial<ImageRegistry>): Importer {
  return { ...importer, registry: { ...importer.registry, ...replaced } }
}

/** Counts the sent blobs and calls `before` for each. */
function counting(importer: Importer, before: (count: number) => Promise<void> | void = () => {}) {
  const sent: string[] = []
  let count = 0
  const watched = withRegistry(importer, {
    pushBlob: async (repository, bytes) => {
      count += 1
      await before(count)
      const blob = await importer.registry.pushBlob(repository, bytes)
      sent.push(blob.digest)
      return blob
    },
    pushNamedBlob: async (repository, blob, bytes) => {
      count += 1
      await before(count)
      const isTaken = await importer.registry.pushNamedBlob(repository, blob, bytes)
      sent.push(blob.digest)
      return isTaken
    },
  })
  return { watched, sent }
}

/** Lets the test trigger the extensions of the lease. */
function withHeart(importer: Importer) {
  let beat = async (): Promise<void> => {}
  const beating: Importer = {
    ...importer,
    repeat: (_seconds, work) => {
      beat = work
      return () => {}
    },
  }
  return { beating, beat: () => beat() }
}

describe.each(['deflated', 'stored'] as const)('an image archive that is %s in its bundle', (method) => {
  let importer: Importer
  beforeEach(() => {
    importer = anImporter()
  })

  it.each<Compression>(['none', 'gzip', 'zstd'])('has every layer sent once (%s)', async (compression) => {
    await put(importer, await aBundleOf(method, compression))
    const { watched, sent } = counting(importer)

    const upload = await run(watched)

    expect(upload.state).toBe('READY')
    expect(upload.layers).toHaveLength(LAYERS)
    // The layers and the config, each sent once.
    expect(new Set(sent).size).toBe(LAYERS + 1)
    expect(sent).toHaveLength(LAYERS + 1)
  })

  it('is refused when its checksum is wrong', async () => {
    const bundle = await aBundleOf(method)
    // The CRC of the last entry, in its local header and in the directory record.
    for (const [signature, offset] of [
      ['PK\u0003\u0004', 14],
      ['PK\u0001\u0002', 16],
    ] as const) {
      const place = bundle.lastIndexOf(Buffer.from(signature)) + offset
      bundle.writeUInt32LE((bundle.readUInt32LE(place) ^ 1) >>> 0, place)
    }
    await put(importer, bundle)

    const upload = await run(importer)

    expect(JSON.stringify(upload.error?.details)).toContain('checksum')
    expect(importer.registry.images()).toEqual([])
  })

  it.each<Compression>(['none', 'gzip'])(
    'is refused when a blob does not match the digest in its name (%s)',
    async (compression) => {
      const entries = await dockerArchive({ layers: [await aLayer('one')], compression })
      const other = await dockerArchive({ layers: [await aLayer('two')], compression })
      const image = entries.map((entry, index) =>
        index === 0 ? { ...entry, body: other[0]?.body ?? '' } : entry,
      )
      await put(importer, await packZip(await aBundle({ image }), { compress: method === 'deflated' }))

      const upload = await run(importer)

      expect(upload.error?.status).toBe(400)
      expect(JSON.stringify(upload.error?.details)).toMatch(/digest|diff id/u)
    },
  )

  it('continues after failures of the registry', async () => {
    await put(importer, await aBundleOf(method))
    const { watched, sent } = counting(importer, (count) => {
      if (count <= 2) throw new RegistryUnavailableError('the connection was lost')
    })

    const upload = await run(watched)

    expect(upload.state).toBe('READY')
    expect(sent).toHaveLength(LAYERS + 1)
  })

  it('is imported despite a short outage of the registry', async () => {
    await put(importer, await aBundleOf(method, 'none', 6))
    const pauses: number[] = []
    const { watched } = counting(importer, () => {
      if (pauses.reduce((sum, one) => sum + one, 0) < 20_000) throw new RegistryUnavailableError('busy')
    })

    const upload = await run({
      ...watched,
      pause: async (milliseconds: number) => void pauses.push(milliseconds),
    })

    expect(upload.state).toBe('READY')
  })

  it('fails when the registry stays unavailable', async () => {
    await put(importer, await aBundleOf(method, 'none', 6))
    const pauses: number[] = []
    const { watched } = counting(importer, () => {
      throw new RegistryUnavailableError('the connection was lost')
    })

    const failing = runToTheEnd({
      ...watched,
      pause: async (milliseconds: number) => void pauses.push(milliseconds),
    })

    await expect(failing).rejects.toMatchObject({
      name: 'ImportFailedError',
      cause: expect.any(RegistryUnavailableError),
    })
    expect(pauses).toEqual(expect.arrayContaining([2000, 8000, 30_000]))
    expect((await uploadOf(importer)).error?.errorCode).toBe('APPE-registry-push-failed')
    expect(importer.objects.keys()).toEqual([])
  })

  it('is left to the next worker in a longer outage of the registry', async () => {
    await put(importer, await aBundleOf(method, 'none', 6))
    const away = counting(importer, () => {
      throw new RegistryUnavailableError('the connection was lost')
    })

    await expect(run(away.watched)).rejects.toBeInstanceOf(RegistryUnavailableError)
    const between = await uploadOf(importer)
    const upload = await run(importer)

    expect(between.state).toBe('PUSHING')
    expect(upload.state).toBe('READY')
  })

  it('is left to the next worker after a transient error of the registry', async () => {
    await put(importer, await aBundleOf(method))
    const refusing = counting(importer, () => {
      throw new DomainError('REGISTRY_PUSHING_TASK_IMAGE_FAILED')
    })

    await expect(run(refusing.watched)).rejects.toThrow()

    expect((await run(importer)).state).toBe('READY')
  })

  it('resets the count of attempts after progress', async () => {
    await put(importer, await aBundleOf(method, 'none', 18))
    for (let workers = 0; workers < 4; workers += 1) {
      // More blobs than are sent concurrently, so that one of them is complete.
      const { watched } = counting(importer, (count) => {
        if (count > 4) throw new Error('broken')
      })
      await expect(run(watched)).rejects.toThrow('broken')
    }

    const upload = await run(importer)

    expect(upload.state).toBe('READY')
  })

  it('releases the name that an earlier worker reserved, even without progress of its own', async () => {
    await put(importer, await aBundleOf(method))
    const died = Promise.withResolvers<void>()
    const first = withRegistry(importer, {
      pushManifest: async (...manifest) => {
        await importer.registry.pushManifest(...manifest)
        died.resolve()
        return await new Promise<never>(() => {})
      },
    })
    void run(first)
    await died.promise
    expect(importer.registry.images()).toHaveLength(1)
    importer.identity.advance(LEASE_SECONDS)
    const second = withRegistry(importer, { hasBlob: () => Promise.reject(new Error('unavailable')) })

    await expect(runToTheEnd(second)).rejects.toThrow('failed')

    expect((await uploadOf(importer)).state).toBe('FAILED')
    expect(importer.registry.images()).toEqual([])
  })

  it('may contain a layer that starts like JSON', async () => {
    const image = await dockerArchive({ layers: [await aLayer('content', '[id].js')] })
    await put(importer, await packZip(await aBundle({ image }), { compress: method === 'deflated' }))

    const upload = await run(importer)

    expect(upload.error).toBeUndefined()
    expect(upload.state).toBe('READY')
  })

  it('is refused when it names a document as a layer', async () => {
    const entries = await dockerArchive({ layers: [await aLayer('one')] })
    const image = entries.map((entry) => {
      if (entry.name !== 'manifest.json') return entry
      const [document] = JSON.parse(String(entry.body))
      return { ...entry, body: JSON.stringify([{ ...document, Layers: [document.Config] }]) }
    })
    await put(importer, await packZip(await aBundle({ image }), { compress: method === 'deflated' }))

    const upload = await run(importer)

    expect(upload.error?.status).toBe(400)
    expect(JSON.stringify(upload.error?.details)).toMatch(/as a layer, but it is not a layer/u)
  })

  it('is resumed after a crash without pushing its layers again', async () => {
    await put(importer, await aBundleOf(method))
    const died = Promise.withResolvers<void>()
    const first = counting(importer, async (count) => {
      // Killed workers leave pending promises.
      if (count < LAYERS + 1) return
      died.resolve()
      await new Promise<never>(() => {})
    })
    void run(first.watched)
    await died.promise
    importer.identity.advance(LEASE_SECONDS + 1)
    const second = counting(importer)

    const upload = await run(second.watched)

    expect(upload.state).toBe('READY')
    expect(first.sent).toHaveLength(LAYERS)
    expect(second.sent).toHaveLength(1)
  })

  it('may be replaced by the bundle of another task after a crash', async () => {
    await put(importer, await aBundleOf(method))
    const died = Promise.withResolvers<void>()
    const first = withRegistry(importer, {
      pushManifest: async (...words) => {
        await importer.registry.pushManifest(...words)
        died.resolve()
        return await new Promise<never>(() => {})
      },
    })
    void run(first)
    await died.promise
    importer.identity.advance(LEASE_SECONDS + 1)
    await put(importer, await aBundle({ descriptor: aDescriptorText({ namespace: 'com.example.other' }) }))

    const upload = await run(importer)

    expect(upload.state).toBe('READY')
    expect(importer.registry.images()).toHaveLength(1)
    // The name of the first task is free again.
    await put(importer, await aBundleOf(method), 'another')
    expect((await run(importer, 'another')).state).toBe('READY')
  })

  it('continues in another call after the time limit', async () => {
    const layers = 8
    await put(importer, await aBundleOf(method, 'none', layers))
    const { beating, beat } = withHeart(importer)
    const { watched, sent } = counting(beating, async (count) => {
      if (count === layers) await beat()
    })

    await importBundle(watched, {
      uploadId: UPLOAD_ID,
      object: { key: uploadKey(UPLOAD_ID) },
      timeLeftMs: () => 1000,
    })
    const between = await uploadOf(importer)
    const waiting = importer.requests.waiting.splice(0)
    // Requests may be delayed, so the name stays reserved.
    importer.identity.advance(10 * LEASE_SECONDS)
    await put(importer, await aBundleOf(method), 'another')
    const another = await run(importer, 'another')
    for (const uploadId of waiting) await importBundle(counting(importer).watched, { uploadId })

    expect(waiting).toEqual([UPLOAD_ID])
    expect(between.state).toBe('PUSHING')
    expect(another.error?.status).toBe(409)
    expect(sent.length).toBeLessThan(layers + 1)
    expect((await uploadOf(importer)).state).toBe('READY')
  })
})

describe('a layer whose push takes longer than a call of the function', () => {
  it('is refused, because another call would not suffice either', async () => {
    const importer = anImporter()
    await put(importer, await aBundleOf('stored', 'none', 1))
    const { beating, beat } = withHeart(importer)
    const { watched } = counting(beating, beat)

    await importBundle(watched, {
      uploadId: UPLOAD_ID,
      object: { key: uploadKey(UPLOAD_ID) },
      timeLeftMs: () => 1000,
    })

    expect(importer.requests.waiting).toEqual([])
    expect(JSON.stringify((await uploadOf(importer)).error)).toContain('its layers smaller')
  })
})

describe('a deflated image archive', () => {
  it('may contain other files that look like layers', async () => {
    const importer = anImporter()
    const junk: FileEntry[] = [
      { name: 'junk.gz', body: Buffer.from('1f8b0000', 'hex') },
      { name: 'other.tar', body: await aLayer('other') },
    ]
    await put(importer, await aBundle({ image: [...junk, ...(await dockerArchive())] }))

    expect((await run(importer)).state).toBe('READY')
  })

  it('is read a second time for layers that were not recognised', async () => {
    const importer = anImporter()
    const image = await dockerArchive({ layers: [Buffer.alloc(1024)] })
    await put(importer, await aBundle({ image }))

    expect((await run(importer)).state).toBe('READY')
  })
})

describe('a worker of an import', () => {
  let importer: Importer
  beforeEach(async () => {
    importer = anImporter()
    await put(importer, await aBundle())
  })

  it('extends the leases of upload and name while it runs', async () => {
    const { beating, beat } = withHeart(importer)
    const { watched } = counting(beating, async () => {
      for (let held = 0; held <= 2 * LEASE_SECONDS; held += BEAT_SECONDS) {
        importer.identity.advance(BEAT_SECONDS)
        await beat()
      }
      await run(importer)
      await put(importer, await aBundle(), 'upload-2')
      await run(importer, 'upload-2')
    })

    const upload = await run(watched)

    expect(upload.state).toBe('READY')
    expect((await uploadOf(importer, 'upload-2')).error?.status).toBe(409)
  })

  it('changes nothing after it lost its lease', async () => {
    const { watched } = counting(importer, async (count) => {
      if (count > 1) return
      importer.identity.advance(LEASE_SECONDS + 1)
      await run(importer)
    })

    await expect(run(watched)).rejects.toMatchObject({ name: 'LeaseLostError' })

    expect((await uploadOf(importer)).state).toBe('READY')
    expect(importer.registry.images()).toHaveLength(1)
    expect(await importer.tasks.list()).toHaveLength(1)
  })

  it('leaves no second job definition after a crash', async () => {
    const died = Promise.withResolvers<void>()
    const publish = () => {
      died.resolve()
      return new Promise<never>(() => {})
    }
    void run({ ...importer, tasks: { ...importer.tasks, publish } })
    await died.promise
    importer.identity.advance(LEASE_SECONDS + 1)

    await run(importer)

    const [task] = await wholeTasks(importer.tasks)
    expect([...importer.scheduler.definitions.keys()]).toEqual([task?.jobDefinitionArn])
  })

  it('undoes the steps of a crashed worker when the bundle is refused', async () => {
    const died = Promise.withResolvers<void>()
    const publish = () => {
      died.resolve()
      return new Promise<never>(() => {})
    }
    void run({ ...importer, tasks: { ...importer.tasks, publish } })
    await died.promise
    importer.identity.advance(LEASE_SECONDS + 1)
    await put(importer, await aBundle(), 'upload-2')
    await run(importer, 'upload-2')

    const upload = await run(importer)

    const [task] = await wholeTasks(importer.tasks)
    expect(upload.error?.status).toBe(409)
    expect([...importer.scheduler.definitions.keys()]).toEqual([task?.jobDefinitionArn])
    expect(importer.objects.keys()).toEqual([`task-${task?.id}-def/descriptor.yml`])
  })
})

describe('an import whose workers crash repeatedly', () => {
  let importer: Importer
  beforeEach(async () => {
    importer = anImporter()
    await put(importer, await aBundle())
  })

  async function dieAtPublishing(times: number): Promise<void> {
    for (let deaths = 0; deaths < times; deaths += 1) {
      const died = Promise.withResolvers<void>()
      const publish = () => {
        died.resolve()
        return new Promise<never>(() => {})
      }
      void run({ ...importer, tasks: { ...importer.tasks, publish } })
      await died.promise
      importer.identity.advance(LEASE_SECONDS + 1)
    }
  }

  it('ends READY when a worker completes it', async () => {
    await dieAtPublishing(20)

    expect((await run(importer)).state).toBe('READY')
  })

  it('fails after half an hour, and the next worker undoes the steps', async () => {
    await dieAtPublishing(4)
    importer.identity.advance(1800)

    await expect(run(importer)).rejects.toMatchObject({ name: 'ImportFailedError' })

    const upload = await uploadOf(importer)
    expect(upload.error).toMatchObject({
      status: 500,
      details: { exceptionMessage: expect.stringMatching(/interrupted 3 times.*send the bundle again/u) },
    })
    expect(importer.registry.images()).toEqual([])
    expect(importer.scheduler.definitions.size).toBe(0)
    expect(importer.objects.keys()).toEqual([])
    await put(importer, await aBundle(), 'upload-2')
    expect((await run(importer, 'upload-2')).state).toBe('READY')
  })
})

describe('a bundle whose stored image is refused', () => {
  it('leaves no repository', async () => {
    const importer = anImporter()
    const made: string[] = []
    const watched = withRegistry(importer, {
      ensureRepository: async (repository) => {
        made.push(repository)
        await importer.registry.ensureRepository(repository)
      },
    })
    const bundle = await aBundle({
      image: await dockerArchive({ platform: { os: 'linux', architecture: 'arm64' } }),
    })
    await put(importer, await packZip(bundle, { compress: false }))

    const upload = await run(watched)

    expect(upload.error?.status).toBe(400)
    expect(made).toEqual([])
  })
})

describe('events that the importer ignores', () => {
  it('include those of input files', async () => {
    const importer = anImporter()
    await put(importer, Buffer.from('an image'))
    await importer.uploads.create({
      id: UPLOAD_ID,
      key: uploadKey(UPLOAD_ID),
      purpose: 'input',
      state: 'CREATED',
      taskId: 'none',
      createdAt: '2026-01-01T00:00:00.000Z',
    })

    const upload = await run(importer)

    expect(upload.state).toBe('CREATED')
    expect(importer.objects.keys()).toEqual([uploadKey(UPLOAD_ID)])
  })

  it('include those of objects that were removed with their upload', async () => {
    const importer = anImporter()

    await importBundle(importer, { uploadId: 'aborted', object: { key: uploadKey('aborted') } })

    expect(await importer.uploads.find('aborted')).toBeUndefined()
  })

  it('include requests for unknown uploads', async () => {
    const importer = anImporter()

    await importBundle(importer, { uploadId: 'unknown' })

    expect(await importer.uploads.find('unknown')).toBeUndefined()
  })
})

describe('a bundle with another image and the same layer names', () => {
  it('does not get the layers of another upload', async () => {
    const importer = anImporter()
    await put(importer, await aBundle({ image: await dockerArchive({ layers: [await aLayer('one')] }) }))
    await run(importer)
    const image = await packTar(await dockerArchive({ layers: [await aLayer('two')] }))
    const descriptor = aDescriptorText({ version: '2.0.0' })
    await put(
      importer,
      [
        { name: 'descriptor.yml', body: descriptor },
        { name: 'image.tar', body: image },
      ],
      'upload-2',
    )

    await run(importer, 'upload-2')

    const [two, one] = await wholeTasks(importer.tasks)
    expect(two?.image.digest).not.toBe(one?.image.digest)
  })
})

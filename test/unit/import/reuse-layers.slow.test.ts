import { describe, expect, it } from 'vitest'
import { importBundle } from '../../../src/import/import-bundle.ts'
import { openOutgoingBundle } from '../../../src/import/outgoing-bundle.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import { markHeld } from '../../../src/upload/mark-held.ts'
import type { NamedLayer, Upload } from '../../../src/upload/upload.ts'
import { createMemoryImageRegistry } from '../../fakes/memory-image-registry.ts'
import {
  aBundle,
  aDescriptorText,
  type Compression,
  digestOf,
  dockerArchive,
  type FileEntry,
  legacyDockerArchive,
  packTar,
  packZip,
} from '../../fixtures/bundle-builder.ts'
import { anImporter, type Importer } from '../../fixtures/memory-importer.ts'
import {
  aZip,
  BASE,
  CHANGED,
  importSent,
  LAYERS,
  layersOf,
  send,
  taskOf,
} from '../../fixtures/named-layers.ts'
import { blobName } from '../../fixtures/oci-layout.ts'

/** Whether the image archive of the sent bundle contains the layer. */
const holds = (sent: Buffer, layer: Buffer): boolean => sent.includes(layer.subarray(0, 512))

describe('a new version of a task', () => {
  it.each<Compression>(['none', 'gzip', 'zstd'])(
    'is sent without the layers that the registry holds (%s)',
    async (compression) => {
      const importer = anImporter()
      const first = await send(importer, 'first', await aZip({ compression }))

      const second = await send(
        importer,
        'second',
        await aZip({ version: '1.1.0', layers: [BASE, CHANGED], compression }),
      )

      expect(first.upload.state).toBe('READY')
      expect(second.upload).toMatchObject({ state: 'READY' })
      expect(second.upload.namedLayers?.map(({ held }) => held)).toEqual([true, false])
      expect((await layersOf(importer, second.upload))[0]).toBe((await layersOf(importer, first.upload))[0])
      if (compression === 'none') {
        expect([holds(first.sent, BASE), holds(second.sent, BASE), holds(second.sent, CHANGED)]).toEqual([
          true,
          false,
          true,
        ])
      }
    },
  )

  it('has the same image as after an upload of all layers', async () => {
    const zip = await aZip({ version: '1.1.0', layers: [BASE, CHANGED], compression: 'none' })
    const [whole, thin] = [anImporter(), anImporter()]
    await send(thin, 'first', await aZip({ compression: 'none' }))

    const wholeUpload = await importSent(whole, 'second', zip, [])
    const thinUpload = (await send(thin, 'second', zip)).upload

    const images = [await taskOf(whole, wholeUpload), await taskOf(thin, thinUpload)].map(
      ({ image }) => image,
    )
    expect(images[1]).toEqual(images[0])
  })

  it('may have only held layers', async () => {
    const importer = anImporter()
    await send(importer, 'first', await aZip())

    const { upload } = await send(importer, 'second', await aZip({ version: '1.1.0' }))

    expect(upload.state).toBe('READY')
    expect(upload.namedLayers?.every(({ held }) => held)).toBe(true)
  })

  it('may lack uncompressed layers, also in an archive by docker before version 25', async () => {
    const importer = anImporter()
    await send(importer, 'first', await aZip({ compression: 'none' }))
    const entries = await aBundle({
      descriptor: aDescriptorText({ version: '1.1.0' }),
      image: await legacyDockerArchive({ layers: [BASE, CHANGED] }),
    })

    const { sent, upload } = await send(importer, 'second', await packZip(entries, { compress: false }))

    expect(upload.state).toBe('READY')
    expect([holds(sent, BASE), holds(sent, CHANGED)]).toEqual([false, true])
  })

  it('has the registry’s compressed layer when its archive contains the layer uncompressed', async () => {
    const importer = anImporter()
    const first = await send(importer, 'first', await aZip({ compression: 'gzip' }))

    const second = await send(importer, 'second', await aZip({ version: '2.0.0', compression: 'none' }))

    expect(second.upload.namedLayers?.every(({ held }) => held)).toBe(true)
    expect(await layersOf(importer, second.upload)).toEqual(await layersOf(importer, first.upload))
  })

  it('is accepted when its image archive is deflated', async () => {
    const importer = anImporter()
    await send(importer, 'first', await aZip())
    const outgoing = await openOutgoingBundle(bufferSource(await aZip({ version: '1.1.0' })))
    const namedLayers = await markHeld(importer, outgoing.layers)
    const files = await dockerArchive({ layers: LAYERS, compression: 'gzip' })
    const names = new Set(namedLayers.map(({ digest }) => blobName(digest)))
    const entries = await aBundle({
      descriptor: aDescriptorText({ version: '1.1.0' }),
      image: files.filter(({ name }) => !names.has(name)),
    })

    const upload = await importSent(importer, 'second', await packZip(entries), namedLayers)

    expect(upload.state).toBe('READY')
  })

  it('continues after its worker crashed, without looking for the layers again', async () => {
    const importer = anImporter()
    await send(importer, 'first', await aZip())
    const zip = await aZip({ version: '1.1.0', layers: [BASE, CHANGED] })
    const dying = {
      ...importer,
      registry: {
        ...importer.registry,
        pushManifest: async () => {
          throw new Error('the worker died')
        },
      },
    }
    await expect(send(dying, 'second', zip)).rejects.toThrow('the worker died')
    importer.identity.advance(120)

    await importBundle(importer, { uploadId: 'second' })

    expect(await importer.uploads.find('second')).toMatchObject({ state: 'READY' })
  })
})

describe('a layer of another task', () => {
  const other = { namespace: 'com.example.other' }

  it.each([
    ['is mounted', true],
    ['is copied where the registry does not mount', false],
  ])('%s', async (_, mounts) => {
    const importer = { ...anImporter(), registry: createMemoryImageRegistry({ mounts }) }
    await send(importer, 'first', await aZip())

    const { upload, sent } = await send(importer, 'second', await aZip({ ...other, layers: [BASE, CHANGED] }))

    const { image } = await taskOf(importer, upload)
    const [base = ''] = await layersOf(importer, upload)
    expect(upload.state).toBe('READY')
    expect(sent.length).toBeLessThan((await aZip()).length)
    expect(importer.registry.blob(image.repository, base)).toBeDefined()
  })

  it('is found in another repository after the first task was deleted', async () => {
    const importer = anImporter()
    const first = await send(importer, 'first', await aZip())
    await send(importer, 'second', await aZip(other))
    const { image } = await taskOf(importer, first.upload)
    for (const digest of await layersOf(importer, first.upload))
      importer.registry.lose(image.repository, digest)

    const { upload } = await send(importer, 'third', await aZip({ namespace: 'com.example.third' }))

    expect(upload).toMatchObject({ state: 'READY' })
    expect(upload.namedLayers?.every(({ held }) => held)).toBe(true)
  })
})

describe('the folders of a task', () => {
  const folders = '  input_folder: /data/in\n  output_folder: /data/out\n'

  it('are checked in a reused layer that was checked for other folders', async () => {
    const importer = anImporter()
    const link = await packTar([{ name: 'data', type: 'symlink', linkname: '/etc' }])
    await send(importer, 'first', await aZip({ layers: [link] }))

    const { upload } = await send(
      importer,
      'second',
      await aZip({ version: '2.0.0', layers: [link], folders }),
    )

    expect(upload.namedLayers?.map(({ held }) => held)).toEqual([true])
    expect(upload.state).toBe('FAILED')
    expect(JSON.stringify(upload.error)).toContain('a link at')
  })

  it('are accepted when the layer has no entries there', async () => {
    const importer = anImporter()
    await send(importer, 'first', await aZip())

    const { upload } = await send(importer, 'second', await aZip({ version: '2.0.0', folders }))

    expect(upload.state).toBe('READY')
  })

  it('must not be links of a reused layer', async () => {
    const importer = anImporter()
    const free = '  input_folder: /data/in\n  output_folder: /data/out\n'
    const link = await packTar([{ name: 'inputs', type: 'symlink', linkname: '/etc' }])
    await send(importer, 'first', await aZip({ layers: [link], folders: free }))

    const { upload } = await send(importer, 'second', await aZip({ version: '2.0.0', layers: [link, BASE] }))

    expect(upload.state).toBe('FAILED')
    expect(JSON.stringify(upload.error)).toContain('a link at')
  })
})

describe('a bundle that lacks a layer', () => {
  /** An importer with a task, and a bundle without its base layer. */
  async function prepared() {
    const importer = anImporter()
    const first = await send(importer, 'first', await aZip({ compression: 'none' }))
    const files = await dockerArchive({ layers: [BASE, CHANGED] })
    const lacking = async (image: readonly FileEntry[]) =>
      await packZip(await aBundle({ descriptor: aDescriptorText({ version: '1.1.0' }), image }), {
        compress: false,
      })
    const thin = await lacking(files.filter(({ name }) => name !== blobName(digestOf(BASE))))
    const base = { digest: digestOf(BASE), size: BASE.length }
    return { importer, first, thin, base, lacking, files }
  }

  const refusals = { 'blob-missing': /lacks/u, gone: /no longer has it/u }

  it.each<[string, (base: { digest: string; size: number }) => NamedLayer[]]>([
    ['was not listed', () => []],
    ['was listed, but not held', (base) => [{ ...base, held: false }]],
    ['has another digest than the listed one', (base) => [{ ...base, digest: digestOf('x'), held: true }]],
  ])('is refused when the layer %s', async (_, named) => {
    const { importer, thin, base } = await prepared()

    const upload = await importSent(importer, 'second', thin, named(base))

    expect(upload.error).toMatchObject({ status: 400 })
    expect(JSON.stringify(upload.error)).toMatch(refusals['blob-missing'])
    expect(await importer.tasks.list()).toHaveLength(1)
  })

  it.each<[string, (importer: Importer, first: Upload) => Promise<void>]>([
    [
      'was removed from the registry',
      async (importer, first) => {
        const { image } = await taskOf(importer, first)
        const [base = ''] = await layersOf(importer, first)
        importer.registry.lose(image.repository, base)
      },
    ],
    [
      'is no longer recorded',
      async (importer, first) => {
        const { image } = await taskOf(importer, first)
        await importer.layers.forget({ digest: digestOf(BASE), repository: image.repository })
      },
    ],
  ])('requires a new upload when the layer %s', async (_, lose) => {
    const { importer, first, thin, base } = await prepared()
    await lose(importer, first.upload)

    const upload = await importSent(importer, 'second', thin, [{ ...base, held: true }])

    expect(upload.error).toMatchObject({ status: 409, errorCode: 'APPE-upload-layer-gone' })
    expect(JSON.stringify(upload.error)).toMatch(refusals.gone)
    expect(importer.registry.images()).toHaveLength(1)
  })

  it('requires a new upload when the layer is removed during the import', async () => {
    const { importer, first, thin, base } = await prepared()
    const { image } = await taskOf(importer, first.upload)
    const [digest = ''] = await layersOf(importer, first.upload)
    const registry = {
      ...importer.registry,
      pushManifest: async (...args: Parameters<Importer['registry']['pushManifest']>) => {
        importer.registry.lose(image.repository, digest)
        return await importer.registry.pushManifest(...args)
      },
    }

    const upload = await importSent({ ...importer, registry }, 'second', thin, [{ ...base, held: true }])

    expect(upload.error).toMatchObject({ status: 409, errorCode: 'APPE-upload-layer-gone' })
    expect(await importer.tasks.list()).toHaveLength(1)
  })

  it('is refused when the recorded size of the layer is wrong', async () => {
    const { importer, thin, base } = await prepared()

    const upload = await importSent(importer, 'second', thin, [{ ...base, size: 7, held: true }])

    expect(upload.error).toMatchObject({ errorCode: 'APPE-upload-layer-gone' })
  })

  it('is refused when its config has another diff id', async () => {
    const importer = anImporter()
    const first = await aZip({ compression: 'gzip' })
    await send(importer, 'first', first)
    const { layers } = await openOutgoingBundle(bufferSource(first))
    const named = (await markHeld(importer, layers)).filter(({ held }) => held)
    const diffIds = [digestOf('another'), digestOf(LAYERS[1] ?? '')]
    const files = await dockerArchive({ layers: LAYERS, compression: 'gzip', diffIds })
    const lacking = files.filter(({ name }) => named.every(({ digest }) => name !== blobName(digest)))
    const entries = await aBundle({ descriptor: aDescriptorText({ version: '1.1.0' }), image: lacking })

    const upload = await importSent(importer, 'second', await packZip(entries, { compress: false }), named)

    expect(upload.state).toBe('FAILED')
    expect(JSON.stringify(upload.error)).toContain('has the diff id')
    expect(await importer.tasks.list()).toHaveLength(1)
  })

  it('uses its own layer when the registry holds one with the same name', async () => {
    const { importer, base, lacking, files } = await prepared()
    const damaged = files.map((file) =>
      file.name === blobName(base.digest) ? { ...file, body: Buffer.alloc(BASE.length, 'x') } : file,
    )
    const named = [{ ...base, held: true }]

    const whole = await importSent(importer, 'whole', await lacking(files), named)
    const broken = await importSent(anImporter(), 'broken', await lacking(damaged), named)

    expect(whole.state).toBe('READY')
    expect(broken.state).toBe('FAILED')
  })

  it('includes reused layers in the limit of the unpacked size', async () => {
    const importer = anImporter()
    await send(importer, 'first', await aZip({ compression: 'none' }))
    const [known] = await importer.layers.find(digestOf(BASE))
    if (known === undefined) throw new Error('the layer is not known')
    const layer = { ...known.layer, contentBytes: 300 * 1024 ** 3 }
    await importer.layers.record([{ ...known, layer }])

    const zip = await aZip({ version: '1.1.0', layers: [BASE, CHANGED], compression: 'none' })
    const { upload } = await send(importer, 'second', zip)

    expect([upload.namedLayers?.[0]?.held, upload.state]).toEqual([true, 'FAILED'])
    expect(JSON.stringify(upload.error)).toMatch(/unpack to over/u)
  })
})

describe('the response to a client that lists layers', () => {
  const [digest, size] = [digestOf(BASE), BASE.length]

  it('marks no layer of an import that was refused or has not ended', async () => {
    const importer = anImporter()
    const image = await dockerArchive({ layers: [BASE], diffIds: [digestOf('another')] })
    const refused = await importSent(importer, 'refused', await packZip(await aBundle({ image })), [])
    const dying = {
      ...importer,
      tasks: {
        ...importer.tasks,
        publish: async () => {
          throw new Error('the worker died')
        },
      },
    }
    await expect(send(dying, 'unfinished', await aZip())).rejects.toThrow('the worker died')

    const answer = await markHeld(importer, [{ digest, size }])

    expect(refused.state).toBe('FAILED')
    expect(answer).toEqual([{ digest, size, held: false }])
  })

  it('does not mark a blob of the registry that no task uses', async () => {
    const importer = anImporter()
    await importer.registry.ensureRepository('tasks/a')
    const blob = await importer.registry.pushBlob('tasks/a', [BASE] as never)

    expect(await markHeld(importer, [{ digest: blob.digest, size }])).toMatchObject([{ held: false }])
  })

  it('does not mark a layer that is listed with a wrong size, and keeps the order of the list', async () => {
    const importer = anImporter()
    await send(importer, 'first', await aZip())
    const unknown = { digest: digestOf('never sent'), size: 5 }

    const answer = await markHeld(importer, [{ digest, size: size + 1 }, unknown, { digest, size }])

    expect(answer.map(({ held }) => held)).toEqual([false, false, true])
  })

  it('marks nothing when the registry does not respond', async () => {
    const importer = anImporter()
    await send(importer, 'first', await aZip())
    const { RegistryUnavailableError } = await import('../../../src/import/registry/image-registry.ts')
    const registry = {
      hasBlob: async () => {
        throw new RegistryUnavailableError('unavailable')
      },
    }

    expect(await markHeld({ ...importer, registry }, [{ digest, size }])).toMatchObject([{ held: false }])
  })

  it('does not mark a layer that its repository has lost, and removes its record', async () => {
    const importer = anImporter()
    const { upload } = await send(importer, 'first', await aZip())
    const { image } = await taskOf(importer, upload)
    for (const blob of await layersOf(importer, upload)) importer.registry.lose(image.repository, blob)

    const answer = await markHeld(importer, [{ digest, size }])

    expect(answer).toEqual([{ digest, size, held: false }])
    expect(await importer.layers.find(digest)).toEqual([])
  })
})

import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { readTar } from '../../../../src/archive/tar/read-tar.ts'
import { type FoundImage, findImage } from '../../../../src/import/image/find-image.ts'
import { scanImageArchive } from '../../../../src/import/image/image-archive.ts'
import { OciFormatError } from '../../../../src/import/image/oci-format-error.ts'
import { ADVICE } from '../../../fixtures/advice.ts'
import {
  aLayer,
  digestOf,
  dockerArchive,
  type FileEntry,
  legacyDockerArchive,
  nestedOciLayout,
  packTar,
} from '../../../fixtures/bundle-builder.ts'

async function find(entries: readonly FileEntry[]): Promise<FoundImage> {
  return findImage(await scanImageArchive(readTar(Readable.from([await packTar(entries)]))))
}

async function refusal(entries: readonly FileEntry[]): Promise<OciFormatError> {
  try {
    await find(entries)
  } catch (error) {
    if (!(error instanceof OciFormatError)) throw error
    expect(error.message).toMatch(ADVICE)
    return error
  }
  throw new Error('the image was found')
}

const without = (entries: readonly FileEntry[], name: string): FileEntry[] =>
  entries.filter((entry) => entry.name !== name)

/** Each layer has different content. */
async function someLayers(count: number): Promise<Buffer[]> {
  return await Promise.all(Array.from({ length: count }, (_, index) => aLayer(`layer ${index}`)))
}

describe('images', () => {
  it.each([
    ['docker save before 25', legacyDockerArchive],
    ['docker save since 25', dockerArchive],
    ['an OCI layout with a nested index and an attestation', nestedOciLayout],
  ])('are found in archives of %s', async (_, build) => {
    const layers = await someLayers(3)

    const image = await find(await build({ layers }))

    expect(image.layers.map(({ diffId }) => diffId)).toEqual(layers.map(digestOf))
    expect(JSON.parse(image.config.toString()).config.Entrypoint).toEqual(['/run.sh'])
  })

  it('are found by manifest.json when the index is broken', async () => {
    const entries = without(await dockerArchive(), 'index.json')

    const image = await find([...entries, { name: 'index.json', body: '{"manifests": null}' }])

    expect(image.layers).toHaveLength(1)
  })

  it('are found by the index when manifest.json is empty', async () => {
    const image = await find([...(await nestedOciLayout()), { name: 'manifest.json', body: '[]' }])

    expect(image.layers).toHaveLength(1)
  })

  it.each([
    ['symlink', '../shared/layer.tar'],
    ['link', 'shared/layer.tar'],
  ] as const)('have layers that are a %s to another file', async (type, linkname) => {
    const layer = await aLayer()
    const entries = await legacyDockerArchive({ layers: [layer] })
    const name = entries.find((entry) => entry.name.endsWith('/layer.tar'))?.name ?? ''

    const image = await find([
      ...without(entries, name),
      { name, type, linkname },
      { name: 'shared/layer.tar', body: layer },
    ])

    expect(image.layers[0]?.file.name).toBe('shared/layer.tar')
  })

  it('may use one layer twice', async () => {
    const layer = await aLayer()

    const image = await find(await dockerArchive({ layers: [layer, layer] }))

    expect(new Set(image.layers.map(({ file }) => file.name)).size).toBe(1)
    expect(image.layers).toHaveLength(2)
  })

  it('may lack their platform', async () => {
    const image = await find(await legacyDockerArchive({ platform: { os: '', architecture: '' } }))

    expect(image.layers).toHaveLength(1)
  })
})

describe('an image archive', () => {
  it('is refused without manifest.json and index.json', async () => {
    const error = await refusal([{ name: 'layer.tar', body: await aLayer() }])

    expect(error.code).toBe('manifest-missing')
  })

  it.each([dockerArchive, legacyDockerArchive, nestedOciLayout])(
    'is refused for another platform, which the message names: %s',
    async (build) => {
      const error = await refusal(await build({ platform: { os: 'linux', architecture: 'riscv64' } }))

      expect(error.code).toBe('wrong-platform')
      expect(error.message).toContain('linux/riscv64')
    },
  )

  it('is refused when a layer is missing', async () => {
    const layer = await aLayer()
    const entries = await dockerArchive({ layers: [layer] })

    const error = await refusal(without(entries, `blobs/${digestOf(layer).replace(':', '/')}`))

    expect(error.code).toBe('blob-missing')
  })

  it('is refused when the config is missing', async () => {
    const entries = await legacyDockerArchive()
    const config = entries.find(({ name }) => /^[0-9a-f]{64}\.json$/u.test(name))?.name ?? ''

    expect((await refusal(without(entries, config))).code).toBe('blob-missing')
  })

  it('is refused when a document does not match its digest', async () => {
    const entries = await dockerArchive()
    const changed = entries.map((entry) =>
      String(entry.body).includes('diff_ids') ? { ...entry, body: `${entry.body} ` } : entry,
    )

    expect((await refusal(changed)).code).toBe('digest-mismatch')
  })

  it('is refused when links form a cycle', async () => {
    const entries = await legacyDockerArchive()
    const name = entries.find((entry) => entry.name.endsWith('/layer.tar'))?.name ?? ''

    const error = await refusal([
      ...without(entries, name),
      { name, type: 'link', linkname: 'other' },
      { name: 'other', type: 'link', linkname: name },
    ])

    expect(error.code).toBe('blob-missing')
  })

  it('is refused when links leave the archive', async () => {
    const entries = await legacyDockerArchive()
    const name = entries.find((entry) => entry.name.endsWith('/layer.tar'))?.name ?? ''

    const error = await refusal([
      ...without(entries, name),
      { name, type: 'symlink', linkname: '../../etc/shadow' },
    ])

    expect(error.code).toBe('blob-missing')
  })

  it('is refused when the numbers of layers and diff ids differ', async () => {
    expect((await refusal(await dockerArchive({ diffIds: [] }))).code).toBe('invalid-document')
  })

  it.each([{}, { Entrypoint: null, Cmd: null }, { Entrypoint: [], Cmd: [] }])(
    'is refused without a command to run: %j',
    async (command) => {
      expect((await refusal(await dockerArchive({ command }))).code).toBe('no-command')
    },
  )

  it.each(['{', '"text"', '{"a": 1}', '[{"Config": 5}]', 'not JSON'])(
    'is refused with the manifest.json %s',
    async (body) => {
      expect((await refusal([{ name: 'manifest.json', body }])).code).toBe('invalid-document')
    },
  )

  it('is refused when indexes are nested too deeply', async () => {
    const entries: FileEntry[] = []
    let inner: object = {}
    for (let depth = 0; depth < 8; depth += 1) {
      const body = JSON.stringify({ depth, manifests: depth === 0 ? [] : [inner] })
      entries.push({ name: `blobs/${digestOf(body).replace(':', '/')}`, body })
      inner = { digest: digestOf(body) }
    }

    const error = await refusal([
      ...entries,
      { name: 'index.json', body: JSON.stringify({ manifests: [inner] }) },
    ])

    expect(error.code).toBe('limit-exceeded')
  })
})

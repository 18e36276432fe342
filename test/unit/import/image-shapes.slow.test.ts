import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ADVICE } from '../../fixtures/advice.ts'
import {
  aBundle,
  aDescriptorText,
  aLayer,
  digestOf,
  dockerArchive,
  type FileEntry,
  legacyDockerArchive,
  packZip,
} from '../../fixtures/bundle-builder.ts'
import { importBytes } from '../../fixtures/import-bytes.ts'
import { anImporter } from '../../fixtures/memory-importer.ts'
import { type BlobDescriptor, createOciLayout, without } from '../../fixtures/oci-layout.ts'

/* Image archives of builders and container engines, and invalid ones, with the chosen image or the explanation for its author. */

const layer = await aLayer('echo hello')
const otherLayer = await aLayer('echo other')
const GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip'
const FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'
const ATTESTATION = { 'vnd.docker.reference.type': 'attestation-manifest' }
const UNKNOWN = { os: 'unknown', architecture: 'unknown' }

/** Diff ids of the installed image, or the explanation of the refusal. */
async function outcome(image: readonly FileEntry[]): Promise<readonly string[] | string> {
  const importer = anImporter()
  const result = await importBytes(await packZip(await aBundle({ image })), importer)
  if ('words' in result) {
    expect(result.refusal.status).toBe(400)
    expect(importer.registry.images()).toEqual([])
    return `${result.refusal.errorCode}: ${result.words}`
  }
  const { repository, digest } = result.task.image
  const manifest = JSON.parse(String(importer.registry.manifest(repository, digest)))
  const config = JSON.parse(String(importer.registry.blob(repository, manifest.config.digest)))
  expect(manifest.layers).toHaveLength(config.rootfs.diff_ids.length)
  return config.rootfs.diff_ids
}

/** An OCI layout with one image of one plain layer for each platform. */
function aPlatformLayout(...architectures: readonly string[]) {
  const layout = createOciLayout()
  const images = architectures.map((architecture) =>
    layout.image({
      layers: [layout.layer(Buffer.concat([layer, Buffer.alloc(512)]))],
      diffIds: [digestOf(Buffer.concat([layer, Buffer.alloc(512)]))],
      architecture,
    }),
  )
  return { layout, images }
}

function anImage(layout: ReturnType<typeof createOciLayout>, body = layer): BlobDescriptor {
  return layout.image({ layers: [layout.layer(body)], diffIds: [digestOf(body)] })
}

describe('the image of linux/amd64', () => {
  const expected = [digestOf(layer)]

  it('is chosen from an index whose other platforms were not saved', async () => {
    const layout = createOciLayout()
    const { images } = aPlatformLayout('arm64', 's390x')
    const index = layout.index([...images.slice(0, 1), anImage(layout), ...images.slice(1)])

    expect(await outcome(layout.files([index]))).toEqual(expected)
  })

  it('is chosen from an index whose other platforms were saved', async () => {
    const { layout, images } = aPlatformLayout('arm64', 's390x')
    const index = layout.index([...images, anImage(layout)])

    expect(await outcome(layout.files([index]))).toEqual(expected)
  })

  it('is distinguished from attestations by annotation', async () => {
    const layout = createOciLayout()
    const statement = layout.layer(Buffer.from('{"_type":"statement"}'), 'application/vnd.in-toto+json')
    const attestation = layout.image(
      { layers: [statement], diffIds: [statement.digest], command: {} },
      { annotations: ATTESTATION },
    )

    expect(await outcome(layout.files([layout.index([attestation, anImage(layout)])]))).toEqual(expected)
  })

  it('is distinguished from attestations by platform', async () => {
    const layout = createOciLayout()
    const attestation = layout.blob({ schemaVersion: 2 }, 'application/json', { platform: UNKNOWN })

    expect(await outcome(layout.files([layout.index([attestation, anImage(layout)])]))).toEqual(expected)
  })

  it('is chosen from nested indexes', async () => {
    const layout = createOciLayout()
    const nested = layout.index([layout.index([anImage(layout)])])

    expect(await outcome(layout.files([nested]))).toEqual(expected)
  })

  it('is chosen by manifest.json when index.json is invalid', async () => {
    const image = await dockerArchive({ layers: [layer] })
    const broken = image.map((file) =>
      file.name === 'index.json' ? { ...file, body: '{"manifests": [{"digest": "sha256:0"}]}' } : file,
    )

    expect(await outcome(broken)).toEqual(expected)
  })

  it('is chosen when its index names the platform and its config does not', async () => {
    const layout = createOciLayout()
    const image = layout.image(
      { layers: [layout.layer(layer)], diffIds: expected, os: '', architecture: '' },
      { platform: { os: 'linux', architecture: 'amd64' } },
    )

    expect(await outcome(layout.files([image]))).toEqual(expected)
  })

  it.each([
    ['entrypoint', { Entrypoint: ['/run.sh'] }],
    ['command', { Cmd: ['/run.sh'], Entrypoint: null }],
  ])('is accepted when it has only an %s', async (_, command) => {
    expect(await outcome(await dockerArchive({ layers: [layer], command }))).toEqual(expected)
  })

  it.each([
    ['gzip that is declared as plain', gzipSync(layer), undefined],
    ['zstd that is declared as gzip', zstdCompressSync(layer), GZIP],
    ['plain tar that is declared as gzip', layer, GZIP],
    ['plain tar that is declared as text', layer, 'text/plain'],
  ])('is accepted with a layer of %s', async (_, body, mediaType) => {
    const layout = createOciLayout()
    const image = layout.image({ layers: [layout.layer(body, mediaType)], diffIds: expected })

    expect(await outcome(layout.files([image]))).toEqual(expected)
  })

  it('is accepted with one layer twice', async () => {
    const layout = createOciLayout()
    const shared = layout.layer(gzipSync(layer), GZIP)
    const image = layout.image({ layers: [shared, shared], diffIds: [...expected, ...expected] })

    expect(await outcome(layout.files([image]))).toEqual([...expected, ...expected])
  })

  it.each(['symlink', 'link'] as const)('is accepted with a layer that is a %s to another', async (type) => {
    const files = await legacyDockerArchive({ layers: [layer, layer] })
    const linked = files.map((file) =>
      file.name === `${'1'.repeat(64)}/layer.tar`
        ? {
            name: file.name,
            type,
            linkname: `${type === 'symlink' ? '../' : ''}${'0'.repeat(64)}/layer.tar`,
          }
        : file,
    )

    expect(await outcome(linked)).toEqual([...expected, ...expected])
  })

  it('is chosen among several by the namespace and version of the task', async () => {
    const [first, second] = await Promise.all(
      [otherLayer, layer].map((body) => legacyDockerArchive({ layers: [body] })),
    )

    expect(
      await outcome(severalImages([first ?? [], 'other:1'], [second ?? [], 'com/example/addition:1.0.0'])),
    ).toEqual(expected)
  })

  it('is chosen among several of a layout by the namespace and version of the task', async () => {
    const layout = createOciLayout()
    const named = (body: Buffer, name: string): BlobDescriptor => ({
      ...anImage(layout, body),
      annotations: { 'org.opencontainers.image.ref.name': name },
    })

    expect(
      await outcome(
        layout.files([named(otherLayer, 'other:1'), named(layer, 'localhost/com/example/addition:1.0.0')]),
      ),
    ).toEqual(expected)
  })
})

/** An archive of several images, in the form of `docker save a b`. */
function severalImages(...images: readonly (readonly [files: FileEntry[], tag: string])[]): FileEntry[] {
  const files = images.flatMap(([entries], index) =>
    entries
      .filter(({ name }) => name !== 'manifest.json')
      .map((entry) => ({ ...entry, name: entry.name.replaceAll('0'.repeat(64), String(index).repeat(64)) })),
  )
  const manifest = images.flatMap(([entries, tag], index) => {
    const text = String(entries.find(({ name }) => name === 'manifest.json')?.body)
    const [image] = JSON.parse(text.replaceAll('0'.repeat(64), String(index).repeat(64)))
    return [{ ...image, RepoTags: [tag] }]
  })
  return [...files, { name: 'manifest.json', body: JSON.stringify(manifest) }]
}

describe('an image archive is refused with an explanation', () => {
  const cases: [what: string, image: () => Promise<FileEntry[]> | FileEntry[], expected: RegExp][] = [
    [
      'that contains only another platform',
      () => {
        const { layout, images } = aPlatformLayout('arm64')
        return layout.files(images)
      },
      /linux\/arm64.*--platform linux\/amd64/u,
    ],
    [
      'that docker saved for another platform',
      () => dockerArchive({ platform: { os: 'linux', architecture: 'arm64' } }),
      /linux\/arm64.*--platform linux\/amd64/u,
    ],
    [
      'that contains several other platforms',
      () => {
        const { layout, images } = aPlatformLayout('arm64', 's390x')
        return layout.files([layout.index(images)])
      },
      /linux\/arm64, linux\/s390x.*--platform linux\/amd64/u,
    ],
    [
      'with a layer that has a very long name',
      async () => {
        const files = await dockerArchive()
        const manifest = files.find(({ name }) => name === 'manifest.json')
        const [{ Layers }] = JSON.parse(String(manifest?.body)) as [{ Layers: string[] }]
        const long = `${'x'.repeat(2000)}.tar`
        return files.map((file) => {
          if (file.name === Layers[0]) return { ...file, name: long }
          if (file !== manifest) return file
          return { ...file, body: String(file.body).replaceAll(Layers[0] ?? '', long) }
        })
      },
      /name of over 1024 bytes/u,
    ],
    [
      'for Windows',
      () => dockerArchive({ platform: { os: 'windows', architecture: 'amd64' } }),
      /windows\/amd64.*--platform linux\/amd64/u,
    ],
    [
      'whose index names linux/amd64 while only another platform was saved',
      () => {
        const { layout, images } = aPlatformLayout('arm64')
        const left = anImage(createOciLayout())
        return layout.files([layout.index([...images, left])])
      },
      /linux\/amd64/u,
    ],
    [
      'with nothing but an attestation',
      () => {
        const layout = createOciLayout()
        return layout.files([{ ...anImage(layout), annotations: ATTESTATION }])
      },
      /names no image/u,
    ],
    [
      'with indexes that are nested without an end',
      () => {
        const layout = createOciLayout()
        let top = anImage(layout)
        for (let depth = 0; depth < 6; depth += 1) top = layout.index([top])
        return layout.files([top])
      },
      /nested too deep/u,
    ],
    [
      'with indexes that refer to each other repeatedly',
      () => {
        const layout = createOciLayout()
        const attestation = layout.blob({ schemaVersion: 2 }, 'application/json', { platform: UNKNOWN })
        let top = layout.index(Array.from({ length: 10_000 }, () => attestation))
        for (let depth = 0; depth < 2; depth += 1) {
          const below = top
          top = layout.index(Array.from({ length: 10_000 }, () => below))
        }
        return layout.files([top])
      },
      /names no image/u,
    ],
    [
      'that names thousands of images',
      () => {
        const { layout, images } = aPlatformLayout('arm64')
        return layout.files([layout.index(Array.from({ length: 5000 }, () => images).flat())])
      },
      /over 500 images/u,
    ],
    [
      'with a foreign layer that does not exist',
      () => {
        const layout = createOciLayout()
        const elsewhere = { ...createOciLayout().layer(layer, FOREIGN), urls: ['https://example.org/l'] }
        return layout.files([layout.image({ layers: [elsewhere], diffIds: [digestOf(layer)] })])
      },
      /foreign layer/u,
    ],
    [
      'with a foreign layer that it contains',
      () => {
        const layout = createOciLayout()
        const image = layout.image({ layers: [layout.layer(layer, FOREIGN)], diffIds: [digestOf(layer)] })
        return layout.files([image])
      },
      /foreign layer/u,
    ],
    [
      'with neither entrypoint nor command',
      () => dockerArchive({ command: { Entrypoint: [], Cmd: null } }),
      /APPE-internal-image-validation-error: .*ENTRYPOINT or CMD/u,
    ],
    [
      'of several images, none of them named by the descriptor',
      async () =>
        severalImages(
          [await legacyDockerArchive({ layers: [layer] }), 'one:1'],
          [await legacyDockerArchive({ layers: [otherLayer] }), 'two:2'],
        ),
      /2 images.*one:1.*two:2.*com\/example\/addition:1\.0\.0/u,
    ],
    [
      'without a manifest',
      () => [{ name: 'layer.tar', body: layer }],
      /APPE-internal-bundle-image-validation-error: .*manifest\.json.*index\.json/u,
    ],
    [
      'whose index refers to a missing document',
      () => createOciLayout().files([anImage(createOciLayout())]),
      /lacks "blobs\/sha256\/[0-9a-f]{64}"/u,
    ],
    [
      'without its config',
      async () => (await dockerArchive()).filter(({ body }) => !String(body).includes('diff_ids')),
      /lacks "blobs\/sha256\/[0-9a-f]{64}"/u,
    ],
    [
      'without a layer',
      () => {
        const layout = createOciLayout()
        const left = layout.layer(layer)
        return without(layout.files([layout.image({ layers: [left], diffIds: [digestOf(layer)] })]), left)
      },
      /lacks "blobs\/sha256\/[0-9a-f]{64}"/u,
    ],
    [
      'with one layer less than in its config',
      () => {
        const layout = createOciLayout()
        const diffIds = [digestOf(layer), digestOf(otherLayer)]
        return layout.files([layout.image({ layers: [layout.layer(layer)], diffIds })])
      },
      /1 layers.*2 diff ids/u,
    ],
    [
      'with a layer link that leads out of it',
      async () => linkedTo(await legacyDockerArchive(), '../../etc/passwd'),
      /lacks|points outside the archive/u,
    ],
    [
      'with a layer link that leads to itself',
      async () => linkedTo(await legacyDockerArchive(), 'layer.tar'),
      /lacks/u,
    ],
    [
      'with two layers that are one file',
      () => {
        const layout = createOciLayout()
        const shared = layout.layer(layer)
        const diffIds = [digestOf(layer), digestOf(otherLayer)]
        return layout.files([layout.image({ layers: [shared, shared], diffIds })])
      },
      /two different layers/u,
    ],
    [
      'with a layer compressed by xz',
      () => {
        const layout = createOciLayout()
        const body = Buffer.from('fd377a585a000004', 'hex')
        return layout.files([layout.image({ layers: [layout.layer(body)], diffIds: [digestOf(layer)] })])
      },
      /xz.*plain, gzip and zstd/u,
    ],
    [
      'with a truncated gzip layer',
      () => {
        const layout = createOciLayout()
        const body = gzipSync(layer).subarray(0, -12)
        return layout.files([layout.image({ layers: [layout.layer(body)], diffIds: [digestOf(layer)] })])
      },
      /damaged/u,
    ],
    [
      'with a truncated zstd layer',
      () => {
        const layout = createOciLayout()
        const body = zstdCompressSync(layer).subarray(0, -12)
        return layout.files([layout.image({ layers: [layout.layer(body)], diffIds: [digestOf(layer)] })])
      },
      /damaged/u,
    ],
    [
      'with bytes after a gzip layer',
      () => {
        const layout = createOciLayout()
        const body = Buffer.concat([gzipSync(layer), Buffer.from('hidden')])
        return layout.files([layout.image({ layers: [layout.layer(body)], diffIds: [digestOf(layer)] })])
      },
      /damaged: incorrect header check; save/u,
    ],
    [
      'with zeros after a gzip layer',
      () => {
        const layout = createOciLayout()
        const body = Buffer.concat([gzipSync(layer), Buffer.alloc(512)])
        return layout.files([layout.image({ layers: [layout.layer(body)], diffIds: [digestOf(layer)] })])
      },
      /damaged: there are bytes after its end; save/u,
    ],
    [
      'with a blob whose digest differs from its name',
      () => {
        const layout = createOciLayout()
        const image = anImage(layout)
        const files = layout.files([image])
        return files.map((file) => (file.body === layer ? { ...file, body: otherLayer } : file))
      },
      /digest/u,
    ],
    [
      'with a config whose digest differs from its name',
      () => {
        const layout = createOciLayout()
        const files = layout.files([anImage(layout)])
        return files.map((file) =>
          String(file.body).includes('diff_ids') ? { ...file, body: `${file.body} ` } : file,
        )
      },
      /digest/u,
    ],
    [
      'whose manifest has a list in place of an object',
      () => [{ name: 'manifest.json', body: '[[]]' }],
      /"manifest.json" .* at 0 \(Invalid input: expected object/u,
    ],
    [
      'that contains more documents than allowed',
      async () => [
        ...Array.from({ length: 16 }, (_, index) => ({
          name: `sbom-${index}.json`,
          body: `{${' '.repeat(2 * 1024 * 1024 - 2)}}`,
        })),
        ...(await dockerArchive()),
      ],
      /over 33554432 bytes of manifests, .*--provenance=false/u,
    ],
    ['whose manifest is not a list', () => [{ name: 'manifest.json', body: '{}' }], /not as expected/u],
    ['whose manifest is not JSON', () => [{ name: 'manifest.json', body: '[{' }], /not JSON/u],
    ['whose manifest lists nothing', () => [{ name: 'manifest.json', body: '[]' }], /names no image/u],
    [
      'whose manifest is nested too deeply',
      () => [{ name: 'manifest.json', body: '['.repeat(1_000_000) }],
      /not JSON|not as expected/u,
    ],
    [
      'whose manifest is too large',
      () => [{ name: 'manifest.json', body: `[${' '.repeat(5_000_000)}]` }],
      /at most 2097152/u,
    ],
  ]

  it.each(cases)('%s', async (_, image, expected) => {
    const words = String(await outcome(await image()))

    expect(words).toMatch(expected)
    expect(words).toMatch(ADVICE)
  })
})

describe('an image archive cannot insert control characters into a message', () => {
  const HOSTILE = `\u001b[31m\r\n\u009b\u202e${'x'.repeat(100_000)}`

  const cases: [where: string, image: () => Promise<FileEntry[]> | FileEntry[], expected: RegExp][] = [
    [
      'by its platform',
      () => dockerArchive({ platform: { os: HOSTILE, architecture: HOSTILE } }),
      /--platform linux\/amd64/u,
    ],
    [
      'by hundreds of platforms',
      () => {
        const layout = createOciLayout()
        const images = Array.from({ length: 300 }, (_, index) =>
          layout.image({ layers: [], diffIds: [], os: `os-${index}` }),
        )
        return layout.files([layout.index(images)])
      },
      /os-9\/amd64, …; tasks run on/u,
    ],
    [
      'by the platform that its index names',
      () => {
        const left = createOciLayout()
        const platform = { os: 'linux', architecture: HOSTILE }
        return createOciLayout().files([{ ...anImage(left), platform }])
      },
      /image for linux/u,
    ],
    [
      'by the name of its config',
      () => [{ name: 'manifest.json', body: JSON.stringify([{ Config: HOSTILE, Layers: [] }]) }],
      /lacks "/u,
    ],
    [
      'by an indirect name of a document',
      () => [{ name: 'manifest.json', body: JSON.stringify([{ Config: `${HOSTILE}/../manifest.json` }]) }],
      /^APPE-[a-z-]+: "manifest.json" in the image archive is not as expected/u,
    ],
    [
      'by the name of a layer',
      async () => {
        const [entry, ...others] = (await dockerArchive()).toReversed()
        const [manifest] = JSON.parse(String(entry?.body))
        return [
          ...others,
          { name: 'manifest.json', body: JSON.stringify([{ ...manifest, Layers: [HOSTILE] }]) },
        ]
      },
      /lacks "/u,
    ],
    [
      'by the name of an annotation',
      () => {
        const annotations = { 'io.containerd.image.name': { [HOSTILE]: 5 } }
        const descriptor = { ...anImage(createOciLayout()), annotations }
        return [{ name: 'index.json', body: JSON.stringify({ manifests: [descriptor] }) }]
      },
      /"index.json" in the image archive is not as expected, at manifests\.0\.annotations\.io/u,
    ],
    [
      'by the media type of a foreign layer',
      () => {
        const layout = createOciLayout()
        const elsewhere = { ...layout.layer(layer, HOSTILE), urls: ['https://example.org/l'] }
        return layout.files([layout.image({ layers: [elsewhere], diffIds: [digestOf(layer)] })])
      },
      /foreign layer/u,
    ],
    [
      'by tags',
      async () =>
        severalImages(
          [await legacyDockerArchive({ layers: [layer] }), HOSTILE],
          [await legacyDockerArchive({ layers: [otherLayer] }), `\ud83d${HOSTILE}`],
        ),
      /2 images/u,
    ],
    [
      'by the name of a file',
      () => [{ name: `${HOSTILE.slice(0, 50)}.json`, body: '{}' }],
      /control characters/u,
    ],
  ]

  it.each(cases)('%s', async (_, image, expected) => {
    const words = await outcome(await image())

    expect(words).toMatch(expected)
    expect(words).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u)
    expect(words.length).toBeLessThan(1500)
  })
})

function linkedTo(files: readonly FileEntry[], linkname: string): FileEntry[] {
  return files.map((file) =>
    file.name.endsWith('/layer.tar') ? { name: file.name, type: 'symlink' as const, linkname } : file,
  )
}

it('the name of the task only matters when the archive has several images', async () => {
  const image = await dockerArchive({ layers: [layer] })
  const descriptor = aDescriptorText({ namespace: 'org.example.other', version: '2.0.0+build' })

  const result = await importBytes(await packZip(await aBundle({ descriptor, image })))

  expect(result).toHaveProperty('task')
})

import { describe, expect, it } from 'vitest'
import { openZip, type ZipArchive } from '../../../src/archive/zip/read-zip.ts'
import { DomainError } from '../../../src/contract/errors.ts'
import {
  decodeDescriptor,
  findBundle,
  findImageEntry,
  openBundle,
  readLogo,
} from '../../../src/import/open-bundle.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import { ADVICE } from '../../fixtures/advice.ts'
import { aTask } from '../../fixtures/builders.ts'
import { aBundle, packTar } from '../../fixtures/bundle-builder.ts'
import { importBytes } from '../../fixtures/import-bytes.ts'
import { anImporter } from '../../fixtures/memory-importer.ts'
import { rawZip } from '../../fixtures/raw-zip.ts'

async function aZip(...names: readonly string[]): Promise<ZipArchive> {
  return await openZip(bufferSource(rawZip(names.map((name) => ({ name })))))
}

/** Explanation of the refusal for the author. */
async function words(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    if (error instanceof DomainError && error.body.details.type === 'related') {
      return error.body.details.description
    }
    throw error
  }
  throw new Error('nothing was refused')
}

const HOSTILE = `\u001b[31m\r\n${'x'.repeat(99)}😀.tar`

describe('the image of a bundle', () => {
  it.each(['named.tar', '/named.tar', './named.tar', '/./named.tar', './/named.tar'])(
    'is found when the descriptor names %s',
    async (imageFile) => {
      const zip = await aZip('image.tar', 'named.tar')

      expect(findImageEntry(zip, aTask({ imageFile })).name).toBe('named.tar')
    },
  )

  it('is found in a folder', async () => {
    const zip = await aZip('image.tar', './a/b/named.tar')

    expect(findImageEntry(zip, aTask({ imageFile: './a/./b/named.tar' })).name).toBe('a/b/named.tar')
  })

  it.each(['/', './', '../named.tar', '.\\named.tar'])(
    'is image.tar when the descriptor names %s',
    async (imageFile) => {
      const zip = await aZip('image.tar', 'named.tar')

      expect(findImageEntry(zip, aTask({ imageFile })).name).toBe('image.tar')
    },
  )
})

describe('a bundle whose names start with ./', () => {
  it('is accepted like any other', async () => {
    const entries = await Promise.all(
      (await aBundle()).map(async ({ name, body }) => ({ name: `./${name}`, body: Buffer.from(body ?? '') })),
    )

    expect(await importBytes(rawZip(entries))).toHaveProperty('task')
  })

  it('is refused when it also has the name without ./', async () => {
    const entries = (await aBundle()).map(({ name, body = '' }) => ({ name, body: Buffer.from(body) }))
    const again = entries.map((entry) => ({ ...entry, name: `./${entry.name}` }))

    const result = await importBytes(rawZip([...entries, ...again]))

    expect(result).toHaveProperty('words', expect.stringContaining('two entries named "descriptor.yml"'))
  })
})

describe('a bundle is refused with advice', () => {
  const cases: [what: string, work: () => unknown, expected: RegExp][] = [
    [
      'without a descriptor',
      async () => {
        const { objects } = anImporter()
        await objects.put('key', rawZip([{ name: 'sub/descriptor.yml' }]))
        await openBundle(await findBundle(objects, 'key'))
      },
      /root of the bundle, which has sub\/descriptor.yml: zip the files themselves/u,
    ],
    ['that does not exist', () => findBundle(anImporter().objects, 'key'), /no longer in storage/u],
    [
      'with a descriptor that is not a text',
      () => decodeDescriptor(Buffer.from('fffe', 'hex')),
      /not UTF-8/u,
    ],
    [
      'without an image',
      async () => findImageEntry(await aZip('descriptor.yml'), aTask({ imageFile: '/named.tar' })),
      /^looked for named.tar, .*-.*.tar, image.tar, .*the bundle has descriptor.yml: name the right file/u,
    ],
    ['with no files', async () => findImageEntry(await aZip(), aTask({})), /the bundle has no files/u],
    [
      'with control characters in names',
      async () => findImageEntry(await aZip('a.tar', HOSTILE), aTask({ imageFile: `${HOSTILE}.gz` })),
      /^looked for \\u\{1b\}[\u0020-\u007e…]*, \\u\{1b\}\[31m\\u\{d\}\\u\{a\}x+…: name/u,
    ],
    [
      'with a logo that is too large',
      async () => {
        const body = Buffer.alloc(5_000_000)
        await readLogo(await openZip(bufferSource(rawZip([{ name: 'logo.png', body }]))))
      },
      /5000000 bytes; at most 4194304 are allowed: make the picture smaller/u,
    ],
  ]

  it.each(cases)('%s', async (_, work, expected) => {
    const message = await words(work)

    expect(message).toMatch(expected)
    expect(message).toMatch(ADVICE)
  })

  it('with an image that is a sparse file in the archive', async () => {
    const [descriptor] = await aBundle()
    const image = await packTar([{ name: 'manifest.json', body: '[]' }])
    image.write('S', 156)
    // The checksum is the sum of all bytes, so it changes with the type.
    const sum = Number.parseInt(image.toString('latin1', 148, 154), 8) + 'S'.charCodeAt(0) - '0'.charCodeAt(0)
    image.write(sum.toString(8).padStart(6, '0'), 148)
    const entries = [
      { name: 'descriptor.yml', body: Buffer.from(descriptor?.body ?? '') },
      { name: 'image.tar', body: image },
    ]

    const result = await importBytes(rawZip(entries))

    expect(result).toMatchObject({
      refusal: { status: 400 },
      words: expect.stringMatching(/sparse file, .* --sparse/u),
    })
  })
})

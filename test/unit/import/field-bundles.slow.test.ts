import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  aBundle,
  aDescriptorText,
  aLayer,
  type FileEntry,
  legacyDockerArchive,
  packTar,
  packZip,
} from '../../fixtures/bundle-builder.ts'
import { importBytes } from '../../fixtures/import-bytes.ts'
import { anImporter, UPLOAD_ID } from '../../fixtures/memory-importer.ts'
import { packBzip2 } from '../../fixtures/pack-bzip2.ts'
import { packWithoutCopies } from '../../fixtures/pack-deflate64.ts'
import { type RawEntry, rawZip } from '../../fixtures/raw-zip.ts'

/* Bundles as common tools write them: Finder, Explorer, text editors and image builders. */

/** Result for the author: `imported`, or the explanation of the refusal. */
async function outcome(bytes: Buffer): Promise<string> {
  const result = await importBytes(bytes)
  return 'task' in result ? 'imported' : result.words
}

const descriptorEntry = (changes: Parameters<typeof aDescriptorText>[0] = {}): RawEntry => ({
  name: 'descriptor.yml',
  body: aDescriptorText(changes),
})
const image = async (changes: Parameters<typeof aBundle>[0] = {}): Promise<Buffer> =>
  Buffer.from((await aBundle(changes))[1]?.body ?? '')

describe('files that file managers add', () => {
  const finder = (name: string): RawEntry => ({ name, body: Buffer.from('00051607', 'hex') })

  it.each([
    ['Finder', ['__MACOSX/._descriptor.yml', '__MACOSX/._my-model.tar', '.DS_Store', '__MACOSX/']],
    [
      'a Mac on a disk with another file system',
      ['._descriptor.yml', '._my-model.tar', '.Spotlight-V100/x.tar', '.Trashes/y.tar'],
    ],
    ['Explorer', ['Thumbs.db', 'desktop.ini', 'THUMBS.DB', 'Desktop.ini']],
    ['a network drive', ['@eaDir/my-model.tar', '.AppleDouble/my-model.tar']],
  ])('are ignored in the search for the image: %s', async (_, names) => {
    const bundle = rawZip([
      descriptorEntry(),
      ...names.slice(0, 2).map(finder),
      { name: 'my-model.tar', body: await image(), method: 8 },
      ...names.slice(2).map(finder),
    ])

    expect(await outcome(bundle)).toBe('imported')
  })

  it('are not named in a refusal', async () => {
    const bundle = rawZip([descriptorEntry(), finder('__MACOSX/._image.tar'), finder('.DS_Store')])

    expect(await outcome(bundle)).toMatch(/the bundle has descriptor\.yml: name the right file/u)
  })

  it('are still checked as entries', async () => {
    const bundle = rawZip([
      descriptorEntry(),
      { name: 'image.tar', body: await image() },
      { ...finder('__MACOSX/._image.tar'), offset: 0 },
    ])

    expect(await outcome(bundle)).toMatch(/share bytes/u)
  })
})

describe('the image of a bundle', () => {
  const composed = 'détection.tar'
  const decomposed = composed.normalize('NFD')

  it.each<
    readonly [what: string, imageFile: string, entry: Partial<RawEntry> & { readonly name: string | Buffer }]
  >([
    ['in UTF-8 without the flag', composed, { name: composed, isNameFlagged: false }],
    ['decomposed by macOS, without the flag', composed, { name: decomposed, isNameFlagged: false }],
    ['decomposed in the descriptor', decomposed, { name: composed }],
    ['in code page 437', composed, { name: Buffer.from('d\x82tection.tar', 'latin1'), isNameFlagged: false }],
    ['in another case', '/Model.tar', { name: 'model.TAR' }],
  ])('is found under a name %s', async (_, imageFile, entry) => {
    const other = Buffer.from('another archive')
    const bundle = rawZip([
      descriptorEntry({ imageFile }),
      { name: 'other.tar', body: other },
      { body: await image(), ...entry },
    ])

    expect(await outcome(bundle)).toBe('imported')
  })

  it('is found under the Unicode name that Info-ZIP adds', async () => {
    const raw = Buffer.from('d?tection.tar')
    const bundle = rawZip([
      descriptorEntry({ imageFile: composed }),
      { name: 'other.tar' },
      { name: raw, isNameFlagged: false, directoryExtra: unicodePath(raw, composed), body: await image() },
    ])

    expect(await outcome(bundle)).toBe('imported')
  })

  it('is found by its exact name when another name differs only in case or accents', async () => {
    const bundle = rawZip([
      descriptorEntry({ imageFile: composed }),
      { name: decomposed, body: 'another archive' },
      { name: composed, body: await image() },
    ])

    expect(await outcome(bundle)).toBe('imported')
  })

  it('is not found when two files have its name apart from case or accents', async () => {
    const bundle = rawZip([
      descriptorEntry({ imageFile: 'model.tar' }),
      { name: 'Model.tar', body: await image() },
      { name: 'MODEL.tar', body: await image() },
    ])

    expect(await outcome(bundle)).toMatch(/^looked for model\.tar, /u)
  })

  it('is found when it is the only .TAR', async () => {
    const bundle = rawZip([descriptorEntry(), { name: 'MY-MODEL.TAR', body: await image() }])

    expect(await outcome(bundle)).toBe('imported')
  })

  it('is not found in a compressed file, and the refusal explains it', async () => {
    const bundle = rawZip([descriptorEntry(), { name: 'image.tar.gz', body: 'x' }])

    expect(await outcome(bundle)).toMatch(/decompress image\.tar\.gz, and put the \.tar into the bundle$/u)
  })
})

/** Info-ZIP's field 0x7075: version, CRC-32 of the entry's name, the name in UTF-8. */
function unicodePath(name: Buffer, text: string): Buffer {
  const unicode = Buffer.from(text)
  const field = Buffer.alloc(9)
  field.writeUInt16LE(0x7075, 0)
  field.writeUInt16LE(5 + unicode.length, 2)
  field.writeUInt8(1, 4)
  field.writeUInt32LE(crc32(name), 5)
  return Buffer.concat([field, unicode])
}

describe('a bundle whose files are all compressed', () => {
  it.each<readonly [what: string, method: number, pack: (content: Buffer) => Buffer]>([
    ['by deflate64, as Explorer does with more than 2 GB', 9, packWithoutCopies],
    ['by bzip2', 12, packBzip2],
  ])('%s is accepted', async (_, method, pack) => {
    const packed = (name: string, body: Buffer): RawEntry => ({ name, body, method, packed: pack(body) })
    const files = [
      packed('descriptor.yml', Buffer.from(aDescriptorText())),
      packed('image.tar', await image()),
    ]

    expect(await outcome(rawZip(files))).toBe('imported')
  })
})

describe('a descriptor under a wrong name', () => {
  it.each(['descriptor.yml.txt', 'Descriptor.YAML.txt', 'descriptor.yml.yml'])(
    'is refused with advice about hidden extensions: %s',
    async (name) => {
      const words = await outcome(rawZip([{ name, body: aDescriptorText() }, { name: 'image.tar' }]))

      expect(words).toContain(name)
      expect(words).toMatch(/hide; show the extensions of files, rename it to descriptor\.yml/u)
    },
  )

  it('is refused with advice about folders', async () => {
    const words = await outcome(rawZip([{ name: 'task/descriptor.yml', body: aDescriptorText() }]))

    expect(words).toMatch(/has task\/descriptor\.yml: zip the files themselves, not the folder around them/u)
  })
})

describe('a descriptor as authors write it', () => {
  it('may have keys without effect, which the upload lists', async () => {
    const importer = anImporter()
    const descriptor = aDescriptorText().replace(
      '{type: integer, description: First',
      '{type: {id: integer, gte: 3}, optional: yes, description: First',
    )

    const result = await importBytes(
      rawZip([
        { name: 'descriptor.yml', body: descriptor },
        { name: 'image.tar', body: await image() },
      ]),
      importer,
    )

    expect(result).toMatchObject({ task: { inputs: [{ optional: true }] } })
    expect(await importer.uploads.find(UPLOAD_ID)).toMatchObject({
      state: 'READY',
      warnings: [
        {
          message:
            'inputs.a.type.gte is not known here and has no effect: did you mean geq? (line 11, column 27)',
          line: 11,
          column: 27,
        },
      ],
    })
  })

  it('may name its image as a text', async () => {
    const descriptor = aDescriptorText().replace('configuration:\n', 'configuration:\n  image: /model.tar\n')
    const bundle = rawZip([
      { name: 'descriptor.yml', body: descriptor },
      { name: 'other.tar' },
      { name: 'model.tar', body: await image() },
    ])

    expect(await outcome(bundle)).toBe('imported')
  })

  it('is refused when a key is repeated, with the line', async () => {
    const bundle = rawZip([{ name: 'descriptor.yml', body: `${aDescriptorText()}version: 1.0.0\n` }])

    expect(await outcome(bundle)).toBe('version must be given only once (line 14, column 1)')
  })
})

describe('an entry that the image archive contains twice', () => {
  const shared = 'shared layer'

  async function twice(change: (second: FileEntry) => FileEntry, options = {}): Promise<Buffer> {
    const files = await legacyDockerArchive({ layers: [await aLayer(shared)] })
    const copies = files.filter(({ name }) => /layer\.tar$|VERSION$/u.test(name)).map(change)
    return await packZip(await aBundle({ image: [...files, ...copies] }), options)
  }

  describe.each([
    ['deflated', {}],
    ['stored', { compress: false }],
  ])('in a bundle that is %s', (_, options) => {
    it('is accepted with the same bytes', async () => {
      expect(await outcome(await twice((file) => file, options))).toBe('imported')
    })

    it('is refused with other bytes of the same length', async () => {
      const change = (file: FileEntry): FileEntry => {
        const body = Buffer.from(file.body ?? '')
        body[body.length - 1] = (body.at(-1) ?? 0) ^ 1
        return { ...file, body }
      }

      expect(await outcome(await twice(change, options))).toMatch(
        /two different entries named "0+\/VERSION"/u,
      )
    })

    it('is refused with another length', async () => {
      const change = (file: FileEntry): FileEntry => ({ ...file, body: `${file.body}longer` })

      expect(await outcome(await twice(change, options))).toMatch(/two different entries named/u)
    })

    it('is refused as a link of the same name', async () => {
      const change = ({ name }: FileEntry): FileEntry => ({ name, type: 'symlink', linkname: 'elsewhere' })

      expect(await outcome(await twice(change, options))).toMatch(/two different entries named/u)
    })
  })

  it('is compared completely, also when it is a large layer', async () => {
    const large = await aLayer(Buffer.alloc(6 * 1024 * 1024, 'large'))
    const files = await legacyDockerArchive({ layers: [large] })
    const [layer] = files.filter(({ name }) => name.endsWith('layer.tar'))
    const changed = Buffer.from(large)
    changed[5 * 1024 * 1024] = 0
    const bundles = await Promise.all(
      [large, changed].map(async (body) =>
        packZip(await aBundle({ image: [...files, { name: layer?.name ?? '', body }] }), { compress: false }),
      ),
    )

    expect(await Promise.all(bundles.map(outcome))).toEqual([
      'imported',
      expect.stringMatching(/two different entries named "0+\/layer\.tar"/u),
    ])
  })

  it('may be a link', async () => {
    const files = await legacyDockerArchive({ layers: [await aLayer(shared)] })
    const link: FileEntry = { name: 'latest', type: 'symlink', linkname: `${'0'.repeat(64)}/layer.tar` }
    const bundle = await packTar([...files, link, link])

    expect(await outcome(rawZip([descriptorEntry(), { name: 'image.tar', body: bundle }]))).toBe('imported')
  })
})

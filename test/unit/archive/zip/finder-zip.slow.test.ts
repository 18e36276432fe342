import { constants, deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { openZip, readZipEntry } from '../../../../src/archive/zip/read-zip.ts'
import { ZipFormatError } from '../../../../src/archive/zip/zip-format-error.ts'
import {
  aDeflatedFile,
  anIncompressibleFile,
  aRepetitiveFile,
  aStoredFile,
  type FinderEntry,
  finderZip,
} from '../../../fixtures/finder-zip.ts'
import { type Segment, sparseSource } from '../../../fixtures/sparse-source.ts'
import { createRandom } from '../../../fuzz/random.ts'

const GIB = 1024 ** 3
/** Number of blocks of 65 535 bytes that exceed this many GiB. */
const blocksOf = (gibibytes: number): number => Math.ceil((gibibytes * GIB) / 0xffff) + 1
const descriptor = aDeflatedFile('descriptor.yml', 'name: x')
const readme = aDeflatedFile('README.md', 'read me')

/** Sizes of the archive's entries, and contents of the small ones. */
async function opened(entries: readonly FinderEntry[]) {
  const source = sparseSource(finderZip(entries))
  const zip = await openZip(source)
  const texts: Record<string, string> = {}
  for (const entry of zip.entries) {
    if (entry.sizeBytes < 1000) texts[entry.name] = String(await readZipEntry(zip, entry, 1000))
  }
  const sizes = Object.fromEntries(zip.entries.map(({ name, sizeBytes }) => [name, sizeBytes]))
  return { zip, source, texts, sizes }
}

async function read(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let sizeBytes = 0
  for await (const chunk of chunks) sizeBytes += chunk.length
  return sizeBytes
}

async function refusal(segments: readonly Segment[], name: string): Promise<string> {
  try {
    const zip = await openZip(sparseSource(segments))
    const entry = zip.entries.find((one) => one.name === name)
    if (entry !== undefined) await read(zip.read(entry))
    return 'taken'
  } catch (error) {
    if (error instanceof ZipFormatError) return error.message
    throw error
  }
}

describe('zips of Finder above 4 GiB', () => {
  it('return an entry above 4 GiB, and the entries after it', { timeout: 120_000 }, async () => {
    const image = anIncompressibleFile('image.tar', blocksOf(4))

    const { zip, texts, sizes } = await opened([readme, image, descriptor])

    expect(texts).toEqual({ 'README.md': 'read me', 'descriptor.yml': 'name: x' })
    expect(sizes['image.tar']).toBe(image.sizeBytes)
    const entry = zip.entries.find(({ name }) => name === 'image.tar')
    expect(await read(zip.read(entry as never))).toBe(image.sizeBytes)
  })

  it('return a stored entry above 4 GiB', { timeout: 120_000 }, async () => {
    const image = aStoredFile('image.tar', 4100)

    const { zip, sizes } = await opened([image, descriptor])

    expect(sizes['image.tar']).toBe(image.sizeBytes)
    const stored = await zip.stored(zip.entries[0] as never)
    expect(stored?.source.sizeBytes).toBe(image.sizeBytes)
    await stored?.verify()
  })

  it('return an entry above 4 GiB whose compressed size is smaller', { timeout: 120_000 }, async () => {
    // A compression factor of 165 is below the limit for zip bombs.
    const pattern = Buffer.concat([createRandom(1).bytes(3000), Buffer.alloc(600_000)])
    const packed = deflateRawSync(pattern, { finishFlush: constants.Z_FULL_FLUSH })
    const image = aRepetitiveFile('image.tar', pattern, packed, Math.ceil((4.2 * GIB) / pattern.length))

    const { zip } = await opened([descriptor, image, readme])

    const entry = zip.entries.find(({ name }) => name === 'image.tar')
    expect(await read(zip.read(entry as never))).toBe(image.sizeBytes)
  })

  it.each<readonly [what: string, entries: readonly FinderEntry[]]>([
    ['many entries below 4 GiB', Array.from({ length: 9 }, (_, i) => aStoredFile(`${i}.tar`, 1025 + i))],
    ['two entries above 4 GiB', [aStoredFile('0.tar', 5000), readme, aStoredFile('1.tar', 4097)]],
    ['an entry above 8 GiB', [readme, aStoredFile('0.tar', 8193), aDeflatedFile('x', 'x')]],
    ['an entry of exactly 4 GiB', [aStoredFile('0.tar', 4096), readme]],
    [
      'large entries among many small ones',
      Array.from({ length: 600 }, (_, i) =>
        i === 200
          ? aStoredFile(`${i}.tar`, 9000)
          : i === 500
            ? aStoredFile(`${i}.tar`, 4500)
            : aDeflatedFile(`${i}`, `${i}`),
      ),
    ],
  ])('return every file of an archive with %s', async (_, entries) => {
    const { source, texts, sizes } = await opened([...entries, descriptor])

    expect(sizes).toEqual(
      Object.fromEntries([...entries, descriptor].map(({ name, sizeBytes }) => [name, sizeBytes])),
    )
    expect(texts['descriptor.yml']).toBe('name: x')
    // The contents of large entries are not read.
    expect(source.readBytes()).toBeLessThan(64 * 1024 ** 2)
  })

  it('do not cause an entry to be read into memory because its size modulo 4 GiB is small', async () => {
    const block = anIncompressibleFile('descriptor.yml', blocksOf(4))
    const zip = await openZip(sparseSource(finderZip([block])))

    await expect(readZipEntry(zip, zip.entries[0] as never, 1024 ** 2)).rejects.toThrow(
      /at most 1048576 are allowed/u,
    )
  })
})

describe('hostile archives above 4 GiB', () => {
  const large = aStoredFile('image.tar', 4100)

  it.each<readonly [what: string, segments: () => readonly Segment[], words: RegExp]>([
    [
      '4 GiB before the first entry',
      () =>
        finderZip(
          [descriptor, readme],
          [{ pattern: Buffer.from('PK\u0003\u0004'.padEnd(1024)), times: 4 * 1024 ** 2 }],
        ),
      /^the zip archive is damaged: .* belong to no entry/u,
    ],
    [
      'a zip after 4 GiB of another',
      () => [
        ...finderZip([aStoredFile('other.tar', 4095)]),
        Buffer.alloc(1024 ** 2 - 143),
        ...finderZip([descriptor]),
      ],
      /belong to no entry|are outside|share bytes/u,
    ],
    [
      'two entries at one offset',
      () => finderZip([large, { ...descriptor, lies: { offset: 0 } }]),
      /share bytes|belong to no entry/u,
    ],
    [
      'an offset into the preceding entry',
      () => finderZip([descriptor, large, { ...readme, lies: { offset: 5000 } }]),
      /share bytes|belong to no entry/u,
    ],
    [
      'an order that differs from the directory',
      () => {
        const segments = finderZip([large, descriptor, readme])
        const directory = segments.at(-2) as Buffer
        const swapped = Buffer.concat([
          directory.subarray(46 + 9 + 46 + 14),
          directory.subarray(46 + 9, 46 + 9 + 46 + 14),
          directory.subarray(0, 46 + 9),
        ])
        return [...segments.slice(0, -2), swapped, segments.at(-1) as Buffer]
      },
      /share bytes|belong to no entry|does not end/u,
    ],
    [
      'content of another size, also modulo 4 GiB',
      () =>
        finderZip([
          { ...anIncompressibleFile('image.tar', 400), lies: { sizeBytes: 10 } },
          aStoredFile('other.tar', 4096),
        ]),
      /has .* of the|has more than the 10 bytes|announces/u,
    ],
  ])('are refused with %s', async (_, segments, words) => {
    expect(await refusal(segments(), 'image.tar')).toMatch(words)
  })

  it('are refused when the checksum of the large entry is wrong', { timeout: 120_000 }, async () => {
    const segments = finderZip([{ ...anIncompressibleFile('image.tar', blocksOf(4)), crc: 7 }, descriptor])

    expect(await refusal(segments, 'image.tar')).toMatch(/checksum/u)
  })

  it('are refused when little data inflates to 4 GiB more than announced', async () => {
    const pattern = Buffer.alloc(8 * 1024 ** 2)
    const packed = deflateRawSync(pattern, { finishFlush: constants.Z_FULL_FLUSH })
    const bomb = aRepetitiveFile('image.tar', pattern, packed, 512)

    const words = await refusal(finderZip([{ ...bomb, lies: { sizeBytes: 0 } }]), 'image.tar')

    expect(words).toMatch(/^the zip archive of \d+ bytes would inflate to/u)
  })
})

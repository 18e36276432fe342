import { describe, expect, it } from 'vitest'
import { readDimensions } from '../../../src/images/read-dimensions.ts'
import { isBaselineTiff } from '../../../src/images/tiff-directory.ts'
import {
  aPng,
  aTiff,
  meteredSource,
  sparseSource,
  TIFF_LONG,
  TIFF_LONG8,
  TIFF_SHORT,
  tiffParts,
} from '../../fixtures/images.ts'

const GIB = 1024 ** 3

describe('the size of a TIFF', () => {
  it.each([
    ['little endian, SHORT', { sizeType: TIFF_SHORT }],
    ['little endian, LONG', { sizeType: TIFF_LONG }],
    ['big endian, SHORT', { isBigEndian: true, sizeType: TIFF_SHORT }],
    ['big endian, LONG', { isBigEndian: true, sizeType: TIFF_LONG }],
    ['BigTIFF, little endian, LONG', { isBigTiff: true, sizeType: TIFF_LONG }],
    ['BigTIFF, little endian, LONG8', { isBigTiff: true, sizeType: TIFF_LONG8 }],
    ['BigTIFF, big endian, SHORT', { isBigTiff: true, isBigEndian: true, sizeType: TIFF_SHORT }],
  ])('is read from a file that is %s', async (_, options) => {
    const source = meteredSource(aTiff({ width: 640, height: 480, ...options }))

    expect(await readDimensions(source)).toEqual({ width: 640, height: 480 })
  })

  it.each([
    ['TIFF at its end', 4 * GIB - 100, false],
    ['BigTIFF at its end', 10 * GIB, true],
  ])('is read from the directory of a huge %s', async (_, directoryAt, isBigTiff) => {
    const { header, directory } = tiffParts({ width: 100_000, height: 80_000, directoryAt, isBigTiff })
    const source = sparseSource(directoryAt + directory.length, [
      [0, header],
      [directoryAt, directory],
    ])

    const dimensions = await readDimensions(source)

    expect(dimensions).toEqual({ width: 100_000, height: 80_000 })
    expect(source.askedBytes).toBeLessThan(20_000)
  })

  it('is the first of several values that are stored outside the entry', async () => {
    const bytes = Buffer.concat([aTiff(), Buffer.of(0x80, 0x02, 0, 0, 0x07, 0, 0, 0)])
    const widthEntryAt = 16 + 2
    bytes.writeUInt32LE(2, widthEntryAt + 4)
    bytes.writeUInt32LE(bytes.length - 8, widthEntryAt + 8)

    expect(await readDimensions(meteredSource(bytes))).toEqual({ width: 640, height: 3 })
  })

  it.each([
    ['a directory beyond the end', (bytes: Buffer) => bytes.writeUInt32LE(0xffff_fff0, 4)],
    ['a directory in the header', (bytes: Buffer) => bytes.writeUInt32LE(0, 4)],
    ['a directory without entries', (bytes: Buffer) => bytes.writeUInt16LE(0, 16)],
    ['more entries than bytes', (bytes: Buffer) => bytes.writeUInt16LE(4000, 16)],
    ['a width that is a text', (bytes: Buffer) => bytes.writeUInt16LE(2, 20)],
    ['a width without a value', (bytes: Buffer) => bytes.writeUInt32LE(0, 22)],
    ['a width beyond the end', (bytes: Buffer) => bytes.fill(0xff, 22, 30)],
    ['an unknown version', (bytes: Buffer) => bytes.writeUInt16LE(44, 2)],
  ])('is unknown with %s', async (_, change) => {
    const bytes = Buffer.concat([aTiff(), Buffer.alloc(10)])
    change(bytes)

    expect(await readDimensions(meteredSource(bytes), 'tiff')).toBeUndefined()
  })

  it.each([
    ['pointers of an unknown size', (bytes: Buffer) => bytes.writeUInt16LE(16, 4)],
    ['a directory beyond 2^63', (bytes: Buffer) => bytes.fill(0xff, 8, 16)],
    ['2^64 entries', (bytes: Buffer) => bytes.fill(0xff, 24, 32)],
  ])('is unknown when a BigTIFF has %s', async (_, change) => {
    const bytes = aTiff({ isBigTiff: true })
    change(bytes)

    expect(await readDimensions(meteredSource(bytes))).toBeUndefined()
  })

  it('is unknown in a directory of more than 4096 entries', async () => {
    const moreTags = Array.from({ length: 4100 }, (_, index) => 40_000 + index)

    expect(await readDimensions(meteredSource(aTiff({ moreTags })))).toBeUndefined()
  })
})

describe('a baseline TIFF', () => {
  it.each([
    ['three samples', {}],
    ['three samples, big endian', { isBigEndian: true }],
    ['three samples and tiles of width 0', { tileWidth: 0 }],
  ])('has %s', async (_, options) => {
    expect(await isBaselineTiff(meteredSource(aTiff(options)))).toBe(true)
  })

  it.each([
    ['grey', aTiff({ samplesPerPixel: 1 })],
    ['transparent', aTiff({ samplesPerPixel: 4 })],
    ['tiled', aTiff({ tileWidth: 256 })],
    ['truncated', aTiff().subarray(0, 30)],
    ['a PNG', aPng()],
  ])('is not %s', async (_, bytes) => {
    expect(await isBaselineTiff(meteredSource(bytes))).toBe(false)
  })

  it('passes on errors of the source', async () => {
    const failure = new Error('no network')

    await expect(isBaselineTiff({ sizeBytes: 100, read: () => Promise.reject(failure) })).rejects.toBe(
      failure,
    )
  })
})

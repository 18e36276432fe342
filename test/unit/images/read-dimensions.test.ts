import { describe, expect, it } from 'vitest'
import { readDimensions } from '../../../src/images/read-dimensions.ts'
import { aBmp, aGif } from '../../fixtures/gif-and-bmp.ts'
import {
  aDicom,
  aJpeg,
  aPng,
  aTiff,
  jpegSegment,
  meteredSource,
  SOF_BASELINE,
  SOF_PROGRESSIVE,
  sparseSource,
} from '../../fixtures/images.ts'

describe('the size of an image', () => {
  it.each([
    ['PNG', aPng({ width: 70_000, height: 2 })],
    ['JPEG', aJpeg({ width: 65_535, height: 2 })],
    ['TIFF', aTiff({ width: 4_000_000_000, height: 2 })],
    ['BigTIFF', aTiff({ width: 4_000_000_000, height: 2, isBigTiff: true })],
    ['DICOM', aDicom({ width: 65_535, height: 2 })],
    ['GIF', aGif({ width: 65_535, height: 2 })],
    ['GIF of many colours and comments', aGif({ width: 65_535, height: 2, colors: 256, extensions: 20 })],
    ['GIF without colours', aGif({ width: 65_535, height: 2, colors: 0, extensions: 0 })],
    ['GIF on a smaller screen', aGif({ width: 65_535, height: 2, screen: { width: 1, height: 1 } })],
    ['GIF on a larger screen', aGif({ width: 1, height: 1, screen: { width: 65_535, height: 2 } })],
    ['BMP', aBmp({ width: 2_000_000_000, height: 2 })],
    ['BMP with rows from the top', aBmp({ width: 70_000, height: -2 })],
    ['BMP of OS/2', aBmp({ width: 65_535, height: 2, headerBytes: 12 })],
    ['BMP with the header of version 5', aBmp({ width: 70_000, height: 2, headerBytes: 124 })],
  ])('is read from a %s of unknown format', async (_, bytes) => {
    const dimensions = await readDimensions(meteredSource(bytes))

    expect(dimensions?.width).toBeGreaterThanOrEqual(65_535)
    expect(dimensions?.height).toBe(2)
  })

  it('is read in the format as which the file was accepted', async () => {
    const preamble = Buffer.concat([aTiff({ width: 1, height: 1 }), Buffer.alloc(128)]).subarray(0, 128)
    const source = meteredSource(aDicom({ width: 500, height: 400, preamble }))

    const dimensions = await readDimensions(source, 'dicom')

    expect(dimensions).toEqual({ width: 500, height: 400 })
  })

  it.each([
    ['a file that is not an image', Buffer.from('some text')],
    ['an empty file', Buffer.alloc(0)],
    ['a PNG of width 0', aPng({ width: 0 })],
    ['a JPEG whose height comes later', aJpeg({ height: 0 })],
    ['a truncated PNG', aPng().subarray(0, 20)],
    ['a truncated GIF', aGif().subarray(0, 30)],
    ['a GIF without a frame', Buffer.concat([aGif().subarray(0, 19), Buffer.of(0x3b)])],
    ['a truncated BMP', aBmp().subarray(0, 20)],
    ['a text that begins like a BMP', Buffer.from('BM is short for bitmap, which this is not')],
    ['a BMP of negative width', aBmp({ width: -4 })],
    ['a PNG without IHDR', Buffer.from(aPng().toString('latin1').replace('IHDR', 'iDOT'), 'latin1')],
  ])('is unknown for %s', async (_, bytes) => {
    expect(await readDimensions(meteredSource(bytes))).toBeUndefined()
  })

  it('is unknown when the source ends early', async () => {
    const source = { ...meteredSource(aPng().subarray(0, 20)), sizeBytes: 100 }

    expect(await readDimensions(source, 'png')).toBeUndefined()
  })

  it('passes on errors of the source', async () => {
    const failure = new Error('no network')
    const source = { sizeBytes: 100, read: () => Promise.reject(failure) }

    await expect(readDimensions(source, 'png')).rejects.toBe(failure)
  })
})

describe('the size of a JPEG', () => {
  const thumbnail = aJpeg({ width: 1, height: 1 })
  const codesOfFrames = [0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]

  it.each(codesOfFrames)('is read from a frame of kind %i', async (frame) => {
    const dimensions = await readDimensions(meteredSource(aJpeg({ width: 640, height: 480, frame })))

    expect(dimensions).toEqual({ width: 640, height: 480 })
  })

  it.each([
    ['a thumbnail', [jpegSegment(0xe1, thumbnail)]],
    ['Huffman tables', [jpegSegment(0xc4, Buffer.alloc(28))]],
    ['arithmetic conditioning', [jpegSegment(0xcc, Buffer.alloc(2))]],
    ['fill bytes', [Buffer.alloc(5, 0xff)]],
    ['markers without content', [Buffer.of(0xff, 0x01, 0xff, 0xd0, 0xff, 0xd7)]],
    ['nothing', []],
  ])('is read after %s', async (_, segments) => {
    const bytes = aJpeg({ width: 640, height: 480, segments })

    expect(await readDimensions(meteredSource(bytes))).toEqual({ width: 640, height: 480 })
  })

  it('is found after 200 segments of 64 KiB, which are skipped', async () => {
    const segments = Array.from({ length: 200 }, () => jpegSegment(0xe2, Buffer.alloc(65_533)))
    const source = meteredSource(aJpeg({ width: 640, height: 480, frame: SOF_PROGRESSIVE, segments }))

    const dimensions = await readDimensions(source)

    expect(dimensions).toEqual({ width: 640, height: 480 })
    expect(source.askedBytes).toBeLessThan(source.sizeBytes / 10)
  })

  it.each([
    ['of length 0', Buffer.of(0xff, 0xe0, 0, 0)],
    ['of length 1', Buffer.of(0xff, 0xe0, 0, 1)],
    ['that is a frame of length 0', Buffer.of(0xff, 0xc0, 0, 0, 8, 0, 3, 0, 4)],
    ['that is longer than the file', Buffer.of(0xff, 0xe0, 0xff, 0xff)],
    ['that starts a second image', Buffer.of(0xff, 0xd8)],
    ['that ends the image', Buffer.of(0xff, 0xd9)],
    ['that starts the pixels', jpegSegment(0xda, Buffer.alloc(6))],
    ['that has no marker', Buffer.alloc(4)],
    ['that is stuffing', Buffer.of(0xff, 0x00)],
  ])('is unknown after a segment %s', async (_, segment) => {
    const bytes = aJpeg({ frame: SOF_BASELINE, segments: [Buffer.of(0xff, 0xe0, 0, 2), segment] })

    expect(await readDimensions(meteredSource(bytes))).toBeUndefined()
  })

  it('is unknown in a file of fill bytes only', async () => {
    const fill = Buffer.alloc(2 * 1024 ** 2, 0xff)
    const source = sparseSource(10 * 1024 ** 3, [
      [0, Buffer.of(0xff, 0xd8)],
      [2, fill],
    ])

    const dimensions = await readDimensions(source, 'jpeg')

    expect(dimensions).toBeUndefined()
    expect(source.askedBytes).toBeLessThanOrEqual(1024 ** 2)
  })
})

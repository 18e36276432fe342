import { describe, expect, it } from 'vitest'
import { IMAGE_FORMATS, isZip, recogniseImage } from '../../../src/images/recognise-image.ts'
import { aDicom, aDicomZip, aJpeg, aPng, aTiff, meteredSource } from '../../fixtures/images.ts'

describe('the format of an image', () => {
  it.each([
    ['png', aPng()],
    ['jpeg', aJpeg()],
    ['tiff', aTiff()],
    ['tiff', aTiff({ isBigEndian: true })],
    ['dicom', aDicom()],
  ] as const)('is recognised as %s by its signature', async (format, bytes) => {
    const recognised = await recogniseImage(meteredSource(bytes), IMAGE_FORMATS)

    expect(recognised).toBe(format)
  })

  it.each([
    ['BigTIFF', aTiff({ isBigTiff: true })],
    ['a text', Buffer.from('PNG')],
    ['an empty file', Buffer.alloc(0)],
    ['half a signature', aPng().subarray(0, 7)],
    ['a DICOM file cut after its preamble', aDicom().subarray(0, 131)],
  ])('is unknown for %s', async (_, bytes) => {
    const recognised = await recogniseImage(meteredSource(bytes), IMAGE_FORMATS)

    expect(recognised).toBeUndefined()
  })

  it('is unknown when it is not among the requested ones', async () => {
    const recognised = await recogniseImage(meteredSource(aPng()), ['jpeg', 'dicom'])

    expect(recognised).toBeUndefined()
  })

  it('is the first of the requested formats when the file has two signatures', async () => {
    const preamble = Buffer.concat([aTiff(), Buffer.alloc(128)]).subarray(0, 128)
    const bytes = aDicom({ preamble })

    const ways = await Promise.all([
      recogniseImage(meteredSource(bytes), ['dicom', 'tiff']),
      recogniseImage(meteredSource(bytes), ['tiff', 'dicom']),
    ])

    expect(ways).toEqual(['dicom', 'tiff'])
  })

  it('is recognised by the first 132 bytes', async () => {
    const source = meteredSource(aDicom())

    await recogniseImage(source, IMAGE_FORMATS)

    expect(source.asked).toEqual([{ start: 0, length: 132 }])
  })

  it('is zip when the file starts with an entry', async () => {
    const zip = await isZip(meteredSource(await aDicomZip()))
    const png = await isZip(meteredSource(aPng()))

    expect([zip, png]).toEqual([true, false])
  })
})

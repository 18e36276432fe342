import { describe, expect, it } from 'vitest'
import { checkFile, checkImage } from '../../../src/inputs/check-file-value.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'
import type { TypeOf } from '../../../src/task/parameters/parameter-codec.ts'
import { packZip } from '../../fixtures/bundle-builder.ts'
import { aBmp, aGif } from '../../fixtures/gif-and-bmp.ts'
import { aDicom, aDicomZip, aJpeg, aPng, aTiff } from '../../fixtures/images.ts'
import { refusalOf } from '../task/parameters/codec-calls.ts'

type ImageType = Omit<TypeOf<'image'>, 'id'>

async function outcome(bytes: Buffer, type: ImageType = {}): Promise<string> {
  try {
    return await checkImage(bufferSource(bytes), { id: 'image', ...type }, 'p')
  } catch (error) {
    expect(error).toMatchObject({ details: { type: 'parameter', parameterName: 'p' } })
    return (error as { readonly error: string }).error
  }
}

const FORMAT = 'INTERNAL_PARAMETER_INVALID_IMAGE_FORMAT'
const DIMENSION = 'INTERNAL_PARAMETER_INVALID_IMAGE_DIMENSION'
const WIDTH = 'INTERNAL_PARAMETER_INVALID_IMAGE_WIDTH'
const HEIGHT = 'INTERNAL_PARAMETER_INVALID_IMAGE_HEIGHT'
const SIZE = 'INTERNAL_PARAMETER_INVALID_IMAGE_SIZE'
const INVALID = 'INTERNAL_PARAMETER_INVALID_IMAGE'
const TEXT = Buffer.from('just a text')

describe('an image', () => {
  it.each<[string, Buffer, readonly string[], string]>([
    ['PNG', aPng(), ['png'], 'file'],
    ['PNG in capitals', aPng(), ['PNG'], 'file'],
    ['JPEG', aJpeg(), ['jpeg'], 'file'],
    ['TIFF', aTiff(), ['tiff'], 'file'],
    ['big-endian TIFF', aTiff({ isBigEndian: true }), ['tiff'], 'file'],
    ['DICOM', aDicom(), ['dicom'], 'file'],
    ['one of several formats', aJpeg(), ['png', 'jpeg'], 'file'],
    ['another format', aJpeg(), ['png', 'tiff'], FORMAT],
    ['BigTIFF in place of TIFF', aTiff({ isBigTiff: true }), ['tiff'], FORMAT],
    ['one DICOM file in place of a folder', aDicom(), ['wsidicom'], FORMAT],
    ['a text', TEXT, ['png'], FORMAT],
    ['nothing', Buffer.alloc(0), ['png'], FORMAT],
    ['any file for an empty list', aPng(), [], FORMAT],
    ['a grey TIFF', aTiff({ samplesPerPixel: 1 }), ['tiff'], INVALID],
    ['a tiled TIFF', aTiff({ tileWidth: 256 }), ['tiff'], INVALID],
  ])('is checked against its formats: %s', async (_, bytes, formats, expected) => {
    expect(await outcome(bytes, { formats })).toBe(expected)
  })

  it('may be any file when the descriptor lists no formats', async () => {
    for (const bytes of [TEXT, Buffer.alloc(0), aTiff({ tileWidth: 256 }), aTiff({ isBigTiff: true })]) {
      expect(await outcome(bytes)).toBe('file')
    }
  })

  it.each<[string, Buffer, ImageType, string]>([
    ['of the maximum width', aPng({ width: 9 }), { maxWidth: 9 }, 'file'],
    ['too wide', aPng({ width: 10 }), { maxWidth: 9 }, WIDTH],
    ['the smallest GIF', aGif({ width: 1, height: 1 }), { maxWidth: 1, maxHeight: 1 }, 'file'],
    ['a GIF within its limits', aGif({ width: 9, height: 9 }), { maxWidth: 9, maxHeight: 9 }, 'file'],
    ['a GIF too high', aGif({ height: 10 }), { maxWidth: 9, maxHeight: 9 }, HEIGHT],
    ['a BMP within its limits', aBmp({ width: 9, height: -9 }), { maxWidth: 9, maxHeight: 9 }, 'file'],
    ['a BMP too wide', aBmp({ width: 10 }), { maxWidth: 9, maxHeight: 9 }, WIDTH],
    ['of the maximum height', aPng({ height: 9 }), { maxHeight: 9 }, 'file'],
    ['too high', aPng({ height: 10 }), { maxHeight: 9 }, HEIGHT],
    ['too wide and too high', aPng({ width: 10, height: 10 }), { maxWidth: 9, maxHeight: 9 }, WIDTH],
    ['without dimensions', TEXT, { maxWidth: 9 }, DIMENSION],
    ['a BigTIFF that is too wide', aTiff({ isBigTiff: true, width: 10 }), { maxWidth: 9 }, WIDTH],
    ['of the maximum size', TEXT, { maxFileSizeBytes: TEXT.length }, 'file'],
    ['too large', TEXT, { maxFileSizeBytes: TEXT.length - 1 }, SIZE],
  ])('is checked against its limits: %s', async (_, bytes, type, expected) => {
    expect(await outcome(bytes, type)).toBe(expected)
  })

  it('is checked in the order of the contract', async () => {
    const wrong = aTiff({ width: 10, height: 10, samplesPerPixel: 1 })
    const limits: ImageType = { formats: ['png'], maxWidth: 1, maxHeight: 1, maxFileSizeBytes: 1 }
    const relaxed: Partial<ImageType>[] = [
      {},
      { formats: ['tiff'] },
      { maxWidth: 10 },
      { maxHeight: 10 },
      { maxFileSizeBytes: 1000 },
    ]

    const found: string[] = []
    let type = limits
    for (const change of relaxed) {
      type = { ...type, ...change }
      found.push(await outcome(wrong, type))
    }

    expect(found).toEqual([FORMAT, WIDTH, HEIGHT, SIZE, INVALID])
  })
})

describe('a zip in place of an image', () => {
  const volume = aDicom({ width: 240, height: 200, pixels: Buffer.alloc(5000) })

  it.each<[string, ImageType, string]>([
    ['no formats', {}, 'dicom-zip'],
    ['the format of slides', { formats: ['png', 'wsidicom'] }, 'dicom-zip'],
    ['the format of slides in capitals', { formats: ['WSIDICOM'] }, 'dicom-zip'],
    ['formats of single files', { formats: ['png', 'dicom'] }, FORMAT],
    ['limits that it meets', { maxWidth: 240, maxHeight: 200, maxFileSizeBytes: volume.length }, 'dicom-zip'],
    ['a width that its largest file exceeds', { maxWidth: 239 }, WIDTH],
    ['a height that its largest file exceeds', { maxHeight: 199 }, HEIGHT],
    ['a size that its largest file exceeds', { maxFileSizeBytes: volume.length - 1 }, SIZE],
  ])('of DICOM files is checked against %s', async (_, type, expected) => {
    const zip = await aDicomZip({
      'a/volume.dcm': volume,
      'a/label.dcm': aDicom({ width: 999, height: 999 }),
    })

    expect(await outcome(zip, type)).toBe(expected)
  })

  it.each([
    ['only a folder', [{ name: 'slide/' }], FORMAT],
    [
      'a file of another kind',
      [
        { name: 'a.dcm', body: aDicom() },
        { name: 'b.txt', body: 'x' },
      ],
      FORMAT,
    ],
    ['an empty file', [{ name: 'a.dcm', body: '' }], FORMAT],
  ])('is refused with %s', async (_, entries, expected) => {
    expect(await outcome(await packZip(entries), { formats: ['wsidicom'] })).toBe(expected)
  })

  it('is refused when it is truncated or only starts like a zip', async () => {
    const zip = await aDicomZip()

    for (const bytes of [zip.subarray(0, zip.length - 30), Buffer.from('PK\x03\x04 and then nothing')]) {
      expect(await outcome(bytes, { formats: ['wsidicom'] })).toBe('INTERNAL_PARAMETER_TYPE_ERROR')
    }
  })
})

describe('a file', () => {
  it('has a maximum size, and formats that are not enforced', () => {
    const type = { id: 'file', formats: ['csv'], maxFileSizeBytes: 5 } as const

    expect(refusalOf(() => checkFile(5, type, 'p'))).toBeUndefined()
    expect(refusalOf(() => checkFile(6, type, 'p'))).toBe('INTERNAL_PARAMETER_VALIDATION_ERROR')
    expect(refusalOf(() => checkFile(2 ** 40, { id: 'file' }, 'p'))).toBeUndefined()
  })
})

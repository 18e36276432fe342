import { describe, expect, it } from 'vitest'
import { readDimensions } from '../../../src/images/read-dimensions.ts'
import {
  aDicom,
  DICOM_EXPLICIT_BIG,
  DICOM_EXPLICIT_LITTLE,
  DICOM_IMPLICIT_LITTLE,
  DICOM_JPEG,
  type DicomElement,
  dicomElements,
  dicomSize,
  meteredSource,
  sparseSource,
} from '../../fixtures/images.ts'

const GIB = 1024 ** 3
const SIZE = { width: 640, height: 480 }
const DEFLATED = '1.2.840.10008.1.2.1.99'

/** A sequence of items with a size of their own, the first of which contains such a sequence. */
function aSequence(isOpenEnded: boolean, transferSyntax: string): DicomElement {
  const size = dicomSize({ width: 1, height: 1 }, transferSyntax)
  const inner = { tag: 0x00081199, representation: 'SQ', value: [size, []], isOpenEnded }
  return { tag: 0x00081140, representation: 'SQ', value: [[inner, ...size], size, []], isOpenEnded }
}

describe('the size of a DICOM image', () => {
  const syntaxes = [
    ['explicit little endian', DICOM_EXPLICIT_LITTLE],
    ['implicit little endian', DICOM_IMPLICIT_LITTLE],
    ['explicit big endian', DICOM_EXPLICIT_BIG],
    ['compressed', DICOM_JPEG],
  ] as const

  it.each(syntaxes)('is read from a file that is %s', async (_, transferSyntax) => {
    const bytes = aDicom({ ...SIZE, transferSyntax })

    expect(await readDimensions(meteredSource(bytes))).toEqual(SIZE)
  })

  it.each(
    syntaxes.flatMap(([name, transferSyntax]) => [
      [name, 'known', transferSyntax, false] as const,
      [name, 'undefined', transferSyntax, true] as const,
    ]),
  )(
    'is not that of images nested in sequences (%s, %s length)',
    async (...[, , transferSyntax, isOpenEnded]) => {
      const before = [aSequence(isOpenEnded, transferSyntax)]
      const bytes = aDicom({ ...SIZE, transferSyntax, before })

      expect(await readDimensions(meteredSource(bytes))).toEqual(SIZE)
    },
  )

  it('is read after an implicit sequence of unknown representation', async () => {
    const items = [dicomSize({ width: 1, height: 1 })]
    const before = [{ tag: 0x00091001, representation: 'UN', value: items, isOpenEnded: true }]
    const bytes = aDicom({ ...SIZE, before })

    expect(await readDimensions(meteredSource(bytes))).toEqual(SIZE)
  })

  it('is read after the compressed pixels of a nested icon', async () => {
    const fragments = {
      tag: 0x7fe00010,
      representation: 'OB',
      value: [[], dicomSize()],
      isOpenEnded: true,
    }
    const before = [{ tag: 0x00091010, representation: 'SQ', value: [[fragments]], isOpenEnded: true }]
    const bytes = aDicom({ ...SIZE, before })

    expect(await readDimensions(meteredSource(bytes))).toEqual(SIZE)
  })

  it('is found after a value of 3 GiB, which is skipped', async () => {
    const long = { tag: 0x00091010, representation: 'OB', value: Buffer.alloc(0) }
    const start = aDicom({ before: [long] })
    const valueAt = start.indexOf(Buffer.from('OB\0\0\0\0\0\0', 'latin1')) + 8
    start.writeUInt32LE(3 * GIB, valueAt - 4)
    const source = sparseSource(valueAt + 3 * GIB + 100, [
      [0, start.subarray(0, valueAt)],
      [valueAt + 3 * GIB, dicomElements(dicomSize(SIZE))],
    ])

    const dimensions = await readDimensions(source)

    expect(dimensions).toEqual(SIZE)
    expect(source.askedBytes).toBeLessThan(20_000)
  })

  it('is unknown when the pixels come first', async () => {
    const before = [{ tag: 0x7fe00010, representation: 'OW', value: Buffer.alloc(8) }]

    expect(await readDimensions(meteredSource(aDicom({ before })))).toBeUndefined()
  })

  it.each([
    ['no transfer syntax', ''],
    ['a deflated data set', DEFLATED],
    ['a transfer syntax that is too long', '1'.repeat(66)],
  ])('is unknown with %s', async (_, transferSyntax) => {
    const bytes = aDicom({ transferSyntax })
    if (transferSyntax === '') bytes.writeUInt16LE(0x0011, bytes.indexOf('UI') - 2)

    expect(await readDimensions(meteredSource(bytes))).toBeUndefined()
  })

  it.each([
    [
      'an element that is longer than the file',
      { representation: 'OB', value: Buffer.alloc(4) },
      0x7fff_ffff,
    ],
    ['a value without items for a sequence', { representation: 'SQ', value: Buffer.alloc(40) }, 0xffff_ffff],
    ['no letters for a representation', { representation: 'o!', value: Buffer.alloc(40) }, 0],
  ])('is unknown with %s', async (_, element, lengthBytes) => {
    const bytes = aDicom({ before: [{ tag: 0x00080001, ...element }] })
    bytes.writeUInt32LE(lengthBytes, bytes.indexOf(element.representation, 160) + 4)

    expect(await readDimensions(meteredSource(bytes))).toBeUndefined()
  })

  it.each([
    ['an element in place of an item', dicomElements(dicomSize())],
    ['an item in an item', Buffer.from('feff00e0ffffffff' + 'feff00e000000000' + 'feff0de000000000', 'hex')],
  ])('is unknown after a sequence with %s', async (_, value) => {
    const before = [{ tag: 0x00081140, representation: 'SQ', value, isOpenEnded: true }]

    expect(await readDimensions(meteredSource(aDicom({ before })))).toBeUndefined()
  })

  it('is unknown when Rows and Columns have another type', async () => {
    const before = [{ tag: 0x00280010, representation: 'UL', value: Buffer.alloc(4, 1) }]

    expect(await readDimensions(meteredSource(aDicom({ before })))).toBeUndefined()
  })

  it('is unknown after sequences without an end', async () => {
    const nested = Buffer.from('08004011ffffffff' + 'feff00e0ffffffff', 'hex')
    const start = aDicom({ transferSyntax: DICOM_IMPLICIT_LITTLE })
    const dataSetAt = start.length - 40
    const endless = Buffer.concat([start.subarray(0, dataSetAt), Buffer.alloc(2 * 1024 ** 2, nested)])
    const source = meteredSource(endless)

    const dimensions = await readDimensions(source, 'dicom')

    expect(dimensions).toBeUndefined()
    expect(source.askedBytes).toBe(1024 ** 2)
  })
})

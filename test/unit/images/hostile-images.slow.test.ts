import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ZipFormatError } from '../../../src/archive/zip/zip-format-error.ts'
import { describeDicomZip } from '../../../src/images/dicom-files.ts'
import { MAX_HEADER_BYTES } from '../../../src/images/header-reader.ts'
import { readDimensions } from '../../../src/images/read-dimensions.ts'
import { IMAGE_FORMATS, type ImageFormat, recogniseImage } from '../../../src/images/recognise-image.ts'
import { isBaselineTiff } from '../../../src/images/tiff-directory.ts'
import {
  aDicom,
  aDicomZip,
  aJpeg,
  aPng,
  aTiff,
  DICOM_EXPLICIT_BIG,
  DICOM_IMPLICIT_LITTLE,
  dicomSize,
  jpegSegment,
  meteredSource,
  sparseSource,
} from '../../fixtures/images.ts'

const SEED = 20_261_122
const before = [{ tag: 0x00081140, representation: 'SQ', value: [dicomSize(), []], isOpenEnded: true }]

const SAMPLES: readonly (readonly [name: string, format: ImageFormat, bytes: Buffer])[] = [
  ['PNG', 'png', aPng()],
  ['JPEG', 'jpeg', aJpeg({ segments: [jpegSegment(0xe1, Buffer.alloc(20)), Buffer.of(0xff, 0xff)] })],
  ['TIFF', 'tiff', aTiff({ tileWidth: 16, isBigEndian: true })],
  ['BigTIFF', 'tiff', aTiff({ isBigTiff: true })],
  ['explicit DICOM', 'dicom', aDicom({ before })],
  ['implicit DICOM', 'dicom', aDicom({ before, transferSyntax: DICOM_IMPLICIT_LITTLE })],
  ['big-endian DICOM', 'dicom', aDicom({ before, transferSyntax: DICOM_EXPLICIT_BIG })],
]

/** Changes some bytes, mostly to extreme values, and may truncate. */
function mutations(bytes: Buffer, from = 0): fc.Arbitrary<Buffer> {
  const value = fc.oneof(fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xfe, 0xff), fc.nat(255))
  const change = fc.record({
    at: fc.integer({ min: from, max: bytes.length - 1 }),
    values: fc.array(value, { minLength: 1, maxLength: 8 }),
  })
  const cut = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(bytes.length))
  return fc.tuple(fc.array(change, { minLength: 1, maxLength: 4 }), cut).map(([changes, cutBytes]) => {
    const changed = Buffer.from(bytes)
    for (const { at, values } of changes) Buffer.from(values).copy(changed, at)
    return changed.subarray(0, changed.length - cutBytes)
  })
}

/** Fails only for errors of the source. */
async function look(source: ReturnType<typeof meteredSource>, format?: ImageFormat): Promise<void> {
  const recognised = await recogniseImage(source, IMAGE_FORMATS)
  const dimensions = await readDimensions(source, format)
  const isBaseline = await isBaselineTiff(source)

  expect([undefined, ...IMAGE_FORMATS]).toContain(recognised)
  expect(typeof isBaseline).toBe('boolean')
  if (dimensions !== undefined) expect(Math.min(dimensions.width, dimensions.height)).toBeGreaterThan(0)
  // The two walks are bounded separately; the other bytes are signatures.
  expect(source.askedBytes).toBeLessThanOrEqual(2 * MAX_HEADER_BYTES + 1024)
}

describe('hostile images', () => {
  it.each(SAMPLES)('are read within limits: %s with changed bytes', async (_, format, bytes) => {
    const from = format === 'dicom' ? 128 : 0
    await fc.assert(
      fc.asyncProperty(mutations(bytes, from), (changed) => look(meteredSource(changed), format)),
      { numRuns: 200, seed: SEED },
    )
  })

  it.each(SAMPLES)(
    'are read within limits: a changed %s at the start of a file of 1 TiB',
    async (_, format, bytes) => {
      const from = format === 'dicom' ? 128 : 0
      await fc.assert(
        fc.asyncProperty(mutations(bytes, from), (changed) =>
          look(sparseSource(1024 ** 4, [[0, changed]]), format),
        ),
        { numRuns: 40, seed: SEED },
      )
    },
  )

  it('are read within limits: random bytes after each signature', async () => {
    const starts = SAMPLES.map(
      ([, format, bytes]) => [format, bytes.subarray(0, format === 'dicom' ? 180 : 8)] as const,
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...starts),
        fc.uint8Array({ maxLength: 300 }),
        async ([format, start], random) => {
          await look(meteredSource(Buffer.concat([start, random])), format)
        },
      ),
      { numRuns: 300, seed: SEED },
    )
  })

  it('are described or refused: a zip of DICOM files with changed bytes', async () => {
    const zip = await aDicomZip({ 'a.dcm': aDicom(), 'b.dcm': aDicom() })
    await fc.assert(
      fc.asyncProperty(mutations(zip), async (changed) => {
        await describeDicomZip(meteredSource(changed)).catch((error: unknown) => {
          expect(error).toBeInstanceOf(ZipFormatError)
        })
      }),
      { numRuns: 200, seed: SEED },
    )
  })
})

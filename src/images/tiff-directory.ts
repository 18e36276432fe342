import type { ByteSource } from '../shared/byte-source.ts'
import type { Dimensions } from './dimensions.ts'
import { createHeaderReader, type HeaderReader, ImageHeaderError } from './header-reader.ts'

/*
 * A TIFF starts with a pointer to its first directory, a list of tagged values, which slide writers put at the end of the file.
 * Formats: TIFF 6.0, section 2; BigTIFF, the same with 64-bit pointers (https://www.awaresystems.be/imaging/tiff/bigtiff.html).
 */

const IMAGE_WIDTH = 256
const IMAGE_LENGTH = 257
const SAMPLES_PER_PIXEL = 277
const TILE_WIDTH = 322

/** Real directories have about twenty entries. */
const MAX_ENTRIES = 4096

/** Value size by type code: BYTE, SHORT, LONG, LONG8. Image sizes have no other types. */
const VALUE_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 1],
  [3, 2],
  [4, 4],
  [16, 8],
])

interface Layout {
  readonly isLittleEndian: boolean
  /** Size of a directory's entry count. */
  readonly countBytes: number
  /** Size of a pointer, a value field and a value count. */
  readonly pointerBytes: number
}

/**
 * Reads the size from the first directory of a TIFF or BigTIFF.
 * @throws ImageHeaderError
 */
export async function readTiffDimensions(reader: HeaderReader): Promise<Dimensions> {
  const values = await readFirstDirectory(reader, [IMAGE_WIDTH, IMAGE_LENGTH])
  const width = values.get(IMAGE_WIDTH)
  const height = values.get(IMAGE_LENGTH)
  if (width === undefined || height === undefined) throw new ImageHeaderError('the TIFF has no size')
  return { width, height }
}

/** Whether the first image has three samples a pixel and no tiles; false also when it cannot be read. */
export async function isBaselineTiff(source: ByteSource): Promise<boolean> {
  try {
    const values = await readFirstDirectory(createHeaderReader(source), [SAMPLES_PER_PIXEL, TILE_WIDTH])
    return values.get(SAMPLES_PER_PIXEL) === 3 && (values.get(TILE_WIDTH) ?? 0) === 0
  } catch (error) {
    if (error instanceof ImageHeaderError) return false
    throw error
  }
}

/** Reads the first value of each of these tags, if it is present and a whole number. */
async function readFirstDirectory(
  reader: HeaderReader,
  tags: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const { layout, directoryAt } = await readStart(reader)
  const entries = unsigned(await reader.bytes(directoryAt, layout.countBytes), layout)
  if (entries > MAX_ENTRIES) throw new ImageHeaderError('the TIFF has too many directory entries')
  const entryBytes = 4 + 2 * layout.pointerBytes
  const values = new Map<number, number>()
  for (let index = 0; index < entries; index += 1) {
    const entry = await reader.bytes(directoryAt + layout.countBytes + index * entryBytes, entryBytes)
    const tag = unsigned(entry.subarray(0, 2), layout)
    if (!tags.includes(tag) || values.has(tag)) continue
    const value = await readFirstValue(reader, entry, layout)
    if (value !== undefined) values.set(tag, value)
  }
  return values
}

async function readStart(
  reader: HeaderReader,
): Promise<{ readonly layout: Layout; readonly directoryAt: number }> {
  const start = await reader.bytes(0, 8)
  const isLittleEndian = start.toString('latin1', 0, 2) === 'II'
  switch (start.toString('latin1', 0, 4)) {
    case 'II*\0':
    case 'MM\0*': {
      const layout = { isLittleEndian, countBytes: 2, pointerBytes: 4 }
      return { layout, directoryAt: unsigned(start.subarray(4), layout) }
    }
    case 'II+\0':
    case 'MM\0+': {
      const layout = { isLittleEndian, countBytes: 8, pointerBytes: 8 }
      if (unsigned(start.subarray(4, 6), layout) !== 8) {
        throw new ImageHeaderError('the BigTIFF has pointers of an unknown size')
      }
      return { layout, directoryAt: unsigned(await reader.bytes(8, 8), layout) }
    }
    default:
      throw new ImageHeaderError('the file is not a TIFF')
  }
}

/** Reads a value from the entry itself when the values fit into it, otherwise from where the entry points. */
async function readFirstValue(
  reader: HeaderReader,
  entry: Buffer,
  layout: Layout,
): Promise<number | undefined> {
  const { pointerBytes } = layout
  const valueBytes = VALUE_BYTES.get(unsigned(entry.subarray(2, 4), layout))
  const count = unsigned(entry.subarray(4, 4 + pointerBytes), layout)
  if (valueBytes === undefined || count === 0) return undefined
  const field = entry.subarray(4 + pointerBytes)
  if (valueBytes * count <= pointerBytes) return unsigned(field.subarray(0, valueBytes), layout)
  return unsigned(await reader.bytes(unsigned(field, layout), valueBytes), layout)
}

/** Reads `bytes` as one unsigned integer. Inexact beyond 2^53, which exceeds any file size. */
function unsigned(bytes: Buffer, { isLittleEndian }: Layout): number {
  if (bytes.length === 8) return Number(isLittleEndian ? bytes.readBigUInt64LE(0) : bytes.readBigUInt64BE(0))
  return isLittleEndian ? bytes.readUIntLE(0, bytes.length) : bytes.readUIntBE(0, bytes.length)
}

import type { Dimensions } from './dimensions.ts'
import { type HeaderReader, ImageHeaderError } from './header-reader.ts'

/** Length of the OS/2 1.x header, whose numbers have 16 bits. */
const CORE_HEADER_BYTES = 12

/** Lengths of the other headers: OS/2 2.x, Windows 3 to 5 and versions between. */
const HEADER_BYTES: ReadonlySet<number> = new Set([16, 40, 52, 56, 64, 108, 124])

/**
 * Reads the size from the header after the 14-byte file header (BITMAPCOREHEADER, BITMAPINFOHEADER and later ones). A
 * negative height means top-down rows.
 * @throws ImageHeaderError
 */
export async function readBmpDimensions(reader: HeaderReader): Promise<Dimensions> {
  const length = (await reader.bytes(14, 4)).readUInt32LE(0)
  if (length === CORE_HEADER_BYTES) {
    const size = await reader.bytes(18, 4)
    return { width: size.readUInt16LE(0), height: size.readUInt16LE(2) }
  }
  if (!HEADER_BYTES.has(length)) throw new ImageHeaderError(`the BMP has a header of ${length} bytes`)
  const size = await reader.bytes(18, 8)
  return { width: size.readInt32LE(0), height: Math.abs(size.readInt32LE(4)) }
}

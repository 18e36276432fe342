import type { Dimensions } from './dimensions.ts'
import { type HeaderReader, ImageHeaderError } from './header-reader.ts'

/**
 * Reads the size from the IHDR chunk, which must come first (PNG 3rd edition, section 11.2.1).
 * @throws ImageHeaderError
 */
export async function readPngDimensions(reader: HeaderReader): Promise<Dimensions> {
  const start = await reader.bytes(0, 24)
  if (start.toString('latin1', 12, 16) !== 'IHDR') throw new ImageHeaderError('the PNG has no IHDR chunk')
  return { width: start.readUInt32BE(16), height: start.readUInt32BE(20) }
}

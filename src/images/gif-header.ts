import type { Dimensions } from './dimensions.ts'
import { type HeaderReader, ImageHeaderError } from './header-reader.ts'

/** Offsets and codes: GIF89a specification, sections 18 to 20 and appendix A. */
const SCREEN_BYTES = 13
const EXTENSION = 0x21
const IMAGE = 0x2c
const HAS_COLORS = 0x80

/**
 * Reads the size of the screen, or of the first frame if that is larger: viewers show one or the other.
 * @throws ImageHeaderError also when there is no frame
 */
export async function readGifDimensions(reader: HeaderReader): Promise<Dimensions> {
  const screen = await reader.bytes(0, SCREEN_BYTES)
  const flags = screen.readUInt8(10)
  let at = SCREEN_BYTES + ((flags & HAS_COLORS) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1))
  for (;;) {
    const kind = (await reader.bytes(at, 1)).readUInt8(0)
    if (kind === IMAGE) break
    if (kind !== EXTENSION) throw new ImageHeaderError('the GIF has no frame')
    at = await skipBlocks(reader, at + 2)
  }
  const frame = await reader.bytes(at + 1, 8)
  return {
    width: Math.max(screen.readUInt16LE(6), frame.readUInt16LE(0) + frame.readUInt16LE(4)),
    height: Math.max(screen.readUInt16LE(8), frame.readUInt16LE(2) + frame.readUInt16LE(6)),
  }
}

/** Skips the blocks of an extension: each starts with its length, an empty one ends them. */
async function skipBlocks(reader: HeaderReader, start: number): Promise<number> {
  let at = start
  for (;;) {
    const length = (await reader.bytes(at, 1)).readUInt8(0)
    at += 1 + length
    if (length === 0) return at
  }
}

import type { Dimensions } from './dimensions.ts'
import { type HeaderReader, ImageHeaderError } from './header-reader.ts'

/*
 * A JPEG is a sequence of segments: a marker (FF and a code), a length that includes itself, and content. The size is in the
 * start of frame, of which there are thirteen kinds. Format: ITU-T T.81, annex B.
 */

const FILL = 0xffff
const TEMPORARY = 0xff01
const FIRST_RESTART = 0xffd0
const LAST_RESTART = 0xffd7
const START_OF_IMAGE = 0xffd8
const END_OF_IMAGE = 0xffd9
const START_OF_SCAN = 0xffda

const FIRST_FRAME = 0xffc0
const LAST_FRAME = 0xffcf
/** Huffman tables, an extension and arithmetic conditioning: codes within the range of frames. */
const NO_FRAMES: readonly number[] = [0xffc4, 0xffc8, 0xffcc]

/**
 * Reads the size from the first start of frame; segments before it are skipped.
 * @throws ImageHeaderError also when pixels come first
 */
export async function readJpegDimensions(reader: HeaderReader): Promise<Dimensions> {
  let at = 2
  for (;;) {
    const marker = (await reader.bytes(at, 2)).readUInt16BE(0)
    if (marker === FILL) at += 1
    else if (isStandalone(marker)) at += 2
    else {
      if (!isSegment(marker))
        throw new ImageHeaderError('the JPEG has no start of frame where it is expected')
      const lengthBytes = (await reader.bytes(at + 2, 2)).readUInt16BE(0)
      if (lengthBytes < 2)
        throw new ImageHeaderError(`the JPEG has a segment with the length ${lengthBytes}; the least is 2`)
      if (isStartOfFrame(marker)) {
        // The size follows the length and one byte of precision. A height of 0 means that it follows the first scan,
        // which is not read.
        const size = await reader.bytes(at + 5, 4)
        return { height: size.readUInt16BE(0), width: size.readUInt16BE(2) }
      }
      at += 2 + lengthBytes
    }
  }
}

function isStandalone(marker: number): boolean {
  return marker === TEMPORARY || (marker >= FIRST_RESTART && marker <= LAST_RESTART)
}

function isSegment(marker: number): boolean {
  return marker > 0xff00 && ![START_OF_IMAGE, END_OF_IMAGE, START_OF_SCAN].includes(marker)
}

function isStartOfFrame(marker: number): boolean {
  return marker >= FIRST_FRAME && marker <= LAST_FRAME && !NO_FRAMES.includes(marker)
}

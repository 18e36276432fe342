import type { ByteSource } from '../shared/byte-source.ts'
import { createWindowReader } from '../shared/window-reader.ts'

/** Size of one read; most headers fit in one or two. */
const WINDOW_BYTES = 4096

/**
 * Maximum number of windows. There are many, because a JPEG may have hundreds of segments of 64 KiB before its frame.
 */
const MAX_WINDOWS = 256

/** Maximum number of bytes read of an image, whatever its header claims. */
export const MAX_HEADER_BYTES = MAX_WINDOWS * WINDOW_BYTES

/** Error for a header that is damaged, cut short or too long. */
export class ImageHeaderError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ImageHeaderError'
  }
}

/** Random access to an image's header, bounded by {@link MAX_HEADER_BYTES}. */
export interface HeaderReader {
  /**
   * Reads `length` bytes (at most 4096) from `start`.
   * @throws ImageHeaderError when the file is shorter or too much of it was read
   */
  bytes(start: number, length: number): Promise<Buffer>
}

export function createHeaderReader(source: ByteSource): HeaderReader {
  let windows = 0
  const read = createWindowReader(source, WINDOW_BYTES, () => {
    if (windows === MAX_WINDOWS) throw new ImageHeaderError('the header of the image is too long')
    windows += 1
  })
  return {
    async bytes(start, length) {
      if (start + length > source.sizeBytes)
        throw new ImageHeaderError('the image is cut short or points outside itself')
      const bytes = await read(start, length)
      if (bytes.length < length) throw new ImageHeaderError('the image is shorter than announced')
      return bytes
    },
  }
}

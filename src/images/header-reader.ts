import type { ByteSource } from '../shared/byte-source.ts'
import { readAll } from '../shared/read-all.ts'

/** One request to a bucket; the header of most images fits in one or two. */
const WINDOW_BYTES = 4096

/** Small windows and many of them: a JPEG may carry hundreds of segments of 64 KiB before its frame. */
const MAX_WINDOWS = 256

/** The most that is read of an image, whatever its header claims. */
export const MAX_HEADER_BYTES = MAX_WINDOWS * WINDOW_BYTES

/** The header is damaged, cut short, or too long to be followed. */
export class ImageHeaderError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ImageHeaderError'
  }
}

/** Random access to an image's header, bounded by {@link MAX_HEADER_BYTES}. */
export interface HeaderReader {
  /**
   * `length` bytes (at most 4096) from `start`.
   * @throws ImageHeaderError when the file is shorter or too much of it was read.
   */
  bytes(start: number, length: number): Promise<Buffer>
}

/** Serves small reads from one window of the source at a time. */
export function createHeaderReader(source: ByteSource): HeaderReader {
  let window: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) }
  let windows = 0
  return {
    async bytes(start, length) {
      const end = start + length
      if (end > source.sizeBytes)
        throw new ImageHeaderError('the image is cut short or points outside itself')
      if (start < window.start || end > window.start + window.bytes.length) {
        if (windows === MAX_WINDOWS) throw new ImageHeaderError('the header of the image is too long')
        windows += 1
        const wanted = Math.min(WINDOW_BYTES, source.sizeBytes - start)
        window = { start, bytes: await readAll(await source.read(start, wanted)) }
      }
      const from = start - window.start
      const bytes = window.bytes.subarray(from, from + length)
      if (bytes.length < length) throw new ImageHeaderError('the image is shorter than announced')
      return bytes
    },
  }
}

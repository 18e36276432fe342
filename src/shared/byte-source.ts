import { Readable } from 'node:stream'

/** Bytes of known length that can be read from any place: an object in a bucket, a file, a buffer. */
export interface ByteSource {
  readonly sizeBytes: number
  /** `length` bytes (never 0) from `start`; a source that ends early gives fewer. */
  read(start: number, length: number): Promise<Readable>
}

/** Bytes in memory as a source. */
export function bufferSource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.byteLength,
    read: async (start, length) => Readable.from([bytes.subarray(start, start + length)]),
  }
}

/** A part of a source as a source of its own. */
export function sectionOf(source: ByteSource, offset: number, sizeBytes: number): ByteSource {
  return {
    sizeBytes,
    read: (start, length) => source.read(offset + start, Math.min(length, sizeBytes - start)),
  }
}

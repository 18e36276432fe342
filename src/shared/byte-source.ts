import { Readable } from 'node:stream'

/** Random-access bytes of known length: an object in a bucket, a file, a buffer. */
export interface ByteSource {
  readonly sizeBytes: number
  /** Reads `length` bytes (never 0) from `start`; fewer when the source ends early. */
  read(start: number, length: number): Promise<Readable>
}

export function bufferSource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.byteLength,
    read: async (start, length) => Readable.from([bytes.subarray(start, start + length)]),
  }
}

/** Returns a range of a source as a source. */
export function sectionOf(source: ByteSource, offset: number, sizeBytes: number): ByteSource {
  return {
    sizeBytes,
    read: (start, length) => source.read(offset + start, Math.min(length, sizeBytes - start)),
  }
}

/** Concatenates sources. */
export function joinedSource(sources: readonly ByteSource[]): ByteSource {
  const sizeBytes = sources.reduce((sum, source) => sum + source.sizeBytes, 0)
  async function* bytes(start: number, length: number): AsyncGenerator<Uint8Array, void, undefined> {
    let offset = 0
    for (const source of sources) {
      const from = Math.max(start - offset, 0)
      const to = Math.min(start + length - offset, source.sizeBytes)
      if (to > from) yield* await source.read(from, to - from)
      offset += source.sizeBytes
    }
  }
  return {
    sizeBytes,
    read: async (start, length) => Readable.from(bytes(start, length), { objectMode: false }),
  }
}

import { crc32 } from 'node:zlib'
import type { ByteSource } from '../../shared/byte-source.ts'
import { createWindowReader } from '../../shared/window-reader.ts'
import type { CrcCoverage } from '../zip/crc-coverage.ts'

/** Forward reader of an archive. */
export interface TarInput {
  /** The next bytes; fewer only at the end. */
  read(length: number): Promise<Buffer>
  /** Streams the next bytes; ends early at the end of the archive. The caller skips unread bytes. */
  body(length: number): AsyncGenerator<Uint8Array, void, undefined>
  skip(length: number): Promise<void>
  /** Reads to the end, so that the source can report an error at its end. */
  drain(): Promise<void>
  close(): Promise<void>
  /** Bytes consumed so far. */
  position(): number
}

/** Input over a stream. Memory: the current chunk. */
export function streamInput(bytes: AsyncIterable<Uint8Array>): TarInput {
  const iterator = bytes[Symbol.asyncIterator]()
  const nextChunk = repeatingFailure(() => iterator.next())
  let chunk: Uint8Array = new Uint8Array(0)
  let position = 0
  let isOver = false

  /** At most `most` bytes of the current or the next chunk; undefined at the end. */
  const take = async (most: number): Promise<Uint8Array | undefined> => {
    while (chunk.length === 0) {
      if (isOver) return undefined
      const next = await nextChunk()
      if (next.done === true) isOver = true
      else chunk = next.value
    }
    const taken = chunk.subarray(0, most)
    chunk = chunk.subarray(taken.length)
    position += taken.length
    return taken
  }

  async function* body(length: number): AsyncGenerator<Uint8Array, void, undefined> {
    let left = length
    while (left > 0) {
      const taken = await take(left)
      if (taken === undefined) return
      left -= taken.length
      yield taken
    }
  }

  return {
    async read(length) {
      const pieces: Uint8Array[] = []
      for await (const piece of body(length)) pieces.push(piece)
      return Buffer.concat(pieces)
    },
    body,
    async skip(length) {
      for await (const _ of body(length));
    },
    async drain() {
      while ((await take(Number.MAX_SAFE_INTEGER)) !== undefined);
    },
    async close() {
      isOver = true
      await iterator.return?.()
    },
    position: () => position,
  }
}

/** A generator that has thrown reports `done` afterwards, which must not be taken for the end of the archive. */
function repeatingFailure<Result>(next: () => Promise<Result>): () => Promise<Result> {
  let failure: { readonly error: unknown } | undefined
  return async () => {
    if (failure !== undefined) throw failure.error
    try {
      return await next()
    } catch (error) {
      failure = { error }
      throw error
    }
  }
}

/** Size of one request for headers; it fetches several when the bodies between them are small. */
const WINDOW_BYTES = 64 * 1024
/** Size of a body's pieces after the first: requests for less would take longer than the transfer. */
const MAX_PIECE_BYTES = 4 * 1024 * 1024

/**
 * Input over a random-access source; skipped bytes are not fetched. Checksums of the parts read are added to
 * `coverage`. Memory: one window, or a piece of 4 MiB.
 */
export function rangedInput(source: ByteSource, coverage: CrcCoverage): TarInput {
  const readBytes = createWindowReader(source, WINDOW_BYTES)
  let position = 0

  const read = async (length: number): Promise<Buffer> => {
    if (position >= source.sizeBytes || length === 0) return Buffer.alloc(0)
    const bytes = await readBytes(position, Math.min(length, source.sizeBytes - position))
    coverage.add(position, bytes.length, crc32(bytes))
    position += bytes.length
    return bytes
  }

  return {
    read,
    async *body(length) {
      const end = position + length
      for (let pieceBytes = WINDOW_BYTES; position < end; pieceBytes = MAX_PIECE_BYTES) {
        const bytes = await read(Math.min(pieceBytes, end - position))
        if (bytes.length === 0) return
        yield bytes
      }
    },
    async skip(length) {
      // Padding is read: it is usually in the window, and leaves fewer holes for the checksum.
      if (length < 512) await read(length)
      else position = Math.min(position + length, source.sizeBytes)
    },
    async drain() {
      position = source.sizeBytes
    },
    async close() {},
    position: () => position,
  }
}

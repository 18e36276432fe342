import { createHash } from 'node:crypto'
import { continued } from '../../shared/continued.ts'

/** Counts and hashes bytes while they are read. */
export interface BlobMeter {
  readonly bytes: AsyncIterable<Uint8Array>
  /** Error of the source, which HTTP clients report as a network failure. */
  readonly failure: { readonly error: unknown } | undefined
  /** Closes the source when the reader stopped early. */
  stop(): Promise<void>
  /** Digest and size of all bytes; call after the end. */
  result(): { readonly digest: string; readonly sizeBytes: number }
}

/**
 * Measures a blob on its way to the registry. With `expected` the bytes are only counted; too few or too many are an
 * error, since the registry waits for exactly that number.
 */
export function measured(
  source: AsyncIterable<Uint8Array>,
  expected?: { readonly digest: string; readonly sizeBytes: number },
): BlobMeter {
  const hash = createHash('sha256')
  const iterator = source[Symbol.asyncIterator]()
  let sizeBytes = 0
  let failure: BlobMeter['failure']
  async function* meter(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
        if (expected === undefined) hash.update(next.value)
        sizeBytes += next.value.length
        if (expected !== undefined && sizeBytes > expected.sizeBytes) break
        yield next.value
      }
      if (expected !== undefined && sizeBytes !== expected.sizeBytes) {
        throw new Error(`${sizeBytes} bytes were read; expected ${expected.sizeBytes}`)
      }
    } catch (error) {
      failure = { error }
      throw error
    }
  }
  const bytes = meter()
  return {
    bytes,
    get failure() {
      return failure
    },
    async stop() {
      await bytes.return()
      await iterator.return?.()
    },
    result: () => expected ?? { digest: `sha256:${hash.digest('hex')}`, sizeBytes },
  }
}

/**
 * Returns the whole blob if it is small enough to be buffered, otherwise a stream. The stream retains the first bytes
 * until they are read.
 */
export async function gathered(
  source: AsyncIterable<Uint8Array>,
  mostBytes: number,
): Promise<{ readonly held: Buffer; readonly rest: AsyncIterable<Uint8Array> | undefined }> {
  const iterator = source[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    chunks.push(next.value)
    sizeBytes += next.value.length
    if (sizeBytes > mostBytes) return { held: Buffer.alloc(0), rest: continued(chunks, iterator) }
  }
  return { held: Buffer.concat(chunks), rest: undefined }
}

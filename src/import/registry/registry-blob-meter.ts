import { createHash } from 'node:crypto'
import { continued } from '../../shared/continued.ts'

/** Bytes that are counted and hashed while somebody else reads them. */
export interface BlobMeter {
  readonly bytes: AsyncIterable<Uint8Array>
  /** What the source threw: HTTP clients report it as a network failure. */
  readonly failure: { readonly error: unknown } | undefined
  /** Closes the source when the reader left it half read. */
  stop(): Promise<void>
  /** Of all bytes; to be asked when they are through. */
  result(): { readonly digest: string; readonly sizeBytes: number }
}

/**
 * Measures a blob on its way to the registry. One that is told beforehand is only counted: it fails when it ends too early or
 * goes on too long, since the registry waits for exactly that many bytes.
 */
export function measured(
  source: AsyncIterable<Uint8Array>,
  told?: { readonly digest: string; readonly sizeBytes: number },
): BlobMeter {
  const hash = createHash('sha256')
  const iterator = source[Symbol.asyncIterator]()
  let sizeBytes = 0
  let failure: BlobMeter['failure']
  async function* meter(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
        if (told === undefined) hash.update(next.value)
        sizeBytes += next.value.length
        if (told !== undefined && sizeBytes > told.sizeBytes) break
        yield next.value
      }
      if (told !== undefined && sizeBytes !== told.sizeBytes) {
        throw new Error(`${sizeBytes} bytes came in the place of ${told.sizeBytes}`)
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
    result: () => told ?? { digest: `sha256:${hash.digest('hex')}`, sizeBytes },
  }
}

/** A blob's first bytes when these are all; else all of it as a stream, which holds the first ones until they are read. */
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

import { createHash } from 'node:crypto'

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

/** Measures a blob on its way to the registry. */
export function measured(source: AsyncIterable<Uint8Array>): BlobMeter {
  const hash = createHash('sha256')
  let sizeBytes = 0
  let failure: BlobMeter['failure']
  async function* meter(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of source) {
        hash.update(chunk)
        sizeBytes += chunk.length
        yield chunk
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
    },
    result: () => ({ digest: `sha256:${hash.digest('hex')}`, sizeBytes }),
  }
}

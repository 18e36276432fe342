import { createHash } from 'node:crypto'

/*
 * Digests that this service or S3 computed, never those that a client sent. `sha256:<hex>` is that of the whole
 * content. `sha256-<n>:<hex>` is the SHA-256 of the concatenated SHA-256 of its ranges of n bytes, as S3 computes it
 * while it copies a large object. Both start with their kind, so that equal digests mean equal content.
 */

const WHOLE = 'sha256:'

/** Digest of content in memory. */
export function digestOf(content: Uint8Array | string): string {
  return `${WHOLE}${createHash('sha256').update(content).digest('hex')}`
}

/** Computes the digest of chunks while they are read. */
export class PassingDigest {
  readonly #hash = createHash('sha256')

  async *of<Chunk extends Uint8Array | string>(
    chunks: AsyncIterable<Chunk> | Iterable<Chunk>,
  ): AsyncGenerator<Chunk, void, undefined> {
    for await (const chunk of chunks) {
      this.#hash.update(chunk)
      yield chunk
    }
  }

  /** The digest; call it once, at the end. */
  end(): string {
    return `${WHOLE}${this.#hash.digest('hex')}`
  }
}

/** A SHA-256 as S3 writes it. */
const BASE64_SHA256 = /^[\w+/]{43}=$/u

/** Digest of an object from the checksum in S3's response; undefined when S3 returned none of the whole object. */
export function digestByS3(checksum: string | undefined): string | undefined {
  if (checksum === undefined || !BASE64_SHA256.test(checksum)) return undefined
  return `${WHOLE}${Buffer.from(checksum, 'base64').toString('hex')}`
}

/**
 * Digest of an object from the checksums of its ranges in S3's responses.
 * @param checksums undefined where S3 computed none: then there is no digest
 */
export function digestByRanges(
  rangeBytes: number,
  checksums: readonly (string | undefined)[],
): string | undefined {
  const hash = createHash('sha256')
  for (const checksum of checksums) {
    if (checksum === undefined || !BASE64_SHA256.test(checksum)) return undefined
    hash.update(Buffer.from(checksum, 'base64'))
  }
  return `sha256-${rangeBytes}:${hash.digest('hex')}`
}

/** SHA-256 of the whole content in hexadecimal digits; undefined for a digest of ranges. */
export function wholeSha256(digest: string | undefined): string | undefined {
  return digest?.startsWith(WHOLE) === true ? digest.slice(WHOLE.length) : undefined
}

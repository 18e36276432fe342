import { quoted } from '../../contract/quoted.ts'
import { continued } from '../../shared/continued.ts'
import { type DecodedHash, decodedHash, type OnContent } from './decoded-hash.ts'
import { compressionOf, type LayerCompression } from './layer-start.ts'
import { OciFormatError } from './oci-format-error.ts'

/** A file that is a layer, or may be one. */
export interface LayerFile {
  readonly name: string
  /** Digest from its path in the archive, to be verified. */
  readonly digest?: string
  /** Digest of its uncompressed tar when known, to be verified. */
  readonly diffId?: string
}

/** All bytes of a layer; `start` is the first `MAGIC_BYTES`, or all when there are fewer. */
export interface LayerContent {
  readonly start: Buffer
  readonly bytes: AsyncIterable<Uint8Array>
}

/** A layer that is verified while it is read: its compression, and its bytes as in the archive. */
export interface CheckedLayer {
  readonly compression: LayerCompression
  /** Throws an OciFormatError before its end when the layer is invalid. */
  readonly bytes: AsyncIterable<Uint8Array, void, undefined>
  /** Size of the uncompressed tar; known when all bytes were read. */
  readonly contentBytes: () => number
  /** `sha256:…` of the uncompressed tar; known when all bytes were read. */
  readonly diffId: () => string
}

/**
 * Verifies a layer while it is read: the digest of its uncompressed tar against the config's diff id, when known. The
 * registry verifies the digest of a compressed file ({@link wrongDigest}). Memory: a few MiB plus the zstd window, at
 * most 32 MiB.
 * @throws OciFormatError
 */
export function checkLayer(
  layer: LayerFile,
  { start, bytes }: LayerContent,
  onContent: OnContent = () => {},
): CheckedLayer {
  const compression = compressionOf(layer.name, start)
  const content = decodedHash(layer.name, compression, onContent)
  const source = bytes[Symbol.asyncIterator]()
  let diffId = ''
  const checked = check(layer, continued([], source), content, (found) => {
    diffId = found
  })
  const close = async (): Promise<void> => {
    content.close()
    await source.return?.()
  }
  return {
    compression,
    bytes: closing(checked, close),
    contentBytes: content.sizeBytes,
    diffId: () => diffId,
  }
}

/** Closes the source even of a generator that was never started. */
function closing(
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
  close: () => Promise<void>,
): AsyncIterable<Uint8Array, void, undefined> {
  const iterator: AsyncIterator<Uint8Array, void, undefined> = {
    next: () => chunks.next(),
    async return() {
      const end = await chunks.return()
      await close()
      return end
    },
  }
  return { [Symbol.asyncIterator]: () => iterator }
}

async function* check(
  layer: LayerFile,
  bytes: AsyncIterable<Uint8Array>,
  content: DecodedHash,
  onDiffId: (diffId: string) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of bytes) {
      const written = content.write(chunk)
      // The consumer may be slow while decoding continues; an error is thrown after both.
      written.catch(() => {})
      yield chunk
      await written
    }
    const diffId = await content.finish()
    // Both digests of a plain file are the same.
    if (content.isPlain) requireDigest(layer, diffId)
    if (layer.diffId !== undefined) requireDiffId(layer.name, diffId, layer.diffId)
    onDiffId(diffId)
  } finally {
    content.close()
  }
}

/**
 * A file with a digest in its path must have that digest.
 * @throws OciFormatError
 */
function requireDigest(file: LayerFile, found: string): void {
  if (file.digest !== undefined && found !== file.digest) throw wrongDigest(file)
}

/** Error for a file whose digest differs from the one in its path. */
export function wrongDigest({ name }: LayerFile): OciFormatError {
  return new OciFormatError(
    'digest-mismatch',
    `${quoted(name)} does not have the digest in its name: the archive is damaged, save the image again`,
  )
}

/**
 * Compares a layer's diff id with the config.
 * @throws OciFormatError
 */
export function requireDiffId(name: string, found: string, expected: string): void {
  if (found === expected) return
  throw new OciFormatError(
    'digest-mismatch',
    `the layer ${quoted(name)} has the diff id ${found}, but the image's config says ${expected}: the archive is damaged, save the image again`,
  )
}

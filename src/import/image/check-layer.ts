import { quoted } from '../../contract/quoted.ts'
import { continued } from '../../shared/continued.ts'
import { type DecodedHash, decodedHash, type OnContent } from './decoded-hash.ts'
import { compressionOf, type LayerCompression } from './layer-start.ts'
import { OciFormatError } from './oci-format-error.ts'

/** A file that is a layer, or looks like one. */
export interface LayerFile {
  readonly name: string
  /** Told by its place in the archive; to be checked. */
  readonly digest?: string
  /** Of its uncompressed tar, where it is known already; to be checked. */
  readonly diffId?: string
}

/** All bytes of a layer, and the first of them: `MAGIC_BYTES`, or fewer when there are no more. */
export interface LayerContent {
  readonly start: Buffer
  readonly bytes: AsyncIterable<Uint8Array>
}

/** A layer on its way: how it is compressed, and its bytes as they lie in the archive. */
export interface CheckedLayer {
  readonly compression: LayerCompression
  /** Ends with an OciFormatError when something is wrong with it, before the reader may take the layer for complete. */
  readonly bytes: AsyncIterable<Uint8Array, void, undefined>
  /** Size of the uncompressed tar; known when all bytes were read. */
  readonly contentBytes: () => number
  /** `sha256:…` of the uncompressed tar; known when all bytes were read. */
  readonly diffId: () => string
}

/**
 * Checks a layer while it streams by: the digest of its uncompressed tar against the config's diff id, where that is known. The
 * digest of a compressed file is left to the registry, which it is told ({@link wrongDigest}). Holds some MiB, and what a zstd frame asks for as window (at most 32 MiB).
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

/** A generator that was never started would close nothing. */
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
  tell: (diffId: string) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of bytes) {
      const written = content.write(chunk)
      // Who sends it takes its time while it is being decoded; a failure is told after both.
      written.catch(() => {})
      yield chunk
      await written
    }
    const diffId = await content.finish()
    // Of a plain file both digests are the same.
    if (content.isPlain) requireDigest(layer, diffId)
    if (layer.diffId !== undefined) requireDiffId(layer.name, diffId, layer.diffId)
    tell(diffId)
  } finally {
    content.close()
  }
}

/**
 * A file whose place tells its digest must have it.
 * @throws OciFormatError
 */
function requireDigest(file: LayerFile, found: string): void {
  if (file.digest !== undefined && found !== file.digest) throw wrongDigest(file)
}

/** A file that does not have the digest which its place tells. */
export function wrongDigest({ name }: LayerFile): OciFormatError {
  return new OciFormatError(
    'digest-mismatch',
    `${quoted(name)} does not have the digest that its name says: the archive is damaged, save the image again`,
  )
}

/**
 * The config says what each layer must hold.
 * @throws OciFormatError
 */
export function requireDiffId(name: string, found: string, expected: string): void {
  if (found === expected) return
  throw new OciFormatError(
    'digest-mismatch',
    `the layer ${quoted(name)} has the diff id ${found}, while the image's config says ${expected}: the archive is damaged, save the image again`,
  )
}

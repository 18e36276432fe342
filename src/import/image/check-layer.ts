import { createHash } from 'node:crypto'
import type { Transform } from 'node:stream'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import { SAVE_AGAIN } from '../../archive/tar/tar-format-error.ts'
import { BLOCK_BYTES, decodeHeader, isZeroBlock } from '../../archive/tar/tar-header.ts'
import { quoted } from '../../contract/quoted.ts'
import { continued } from '../../shared/continued.ts'
import { drained } from '../../shared/drained.ts'
import { formatOf, signatureBytes } from '../../shared/file-signatures.ts'
import type { ImportedLayer } from '../../upload/upload.ts'
import { OciFormatError } from './oci-format-error.ts'
import { createFrameCutter } from './zstd-frames.ts'

export type LayerCompression = ImportedLayer['compression']

/** A file that is a layer, or looks like one. */
export interface LayerFile {
  readonly name: string
  /** Told by its place in the archive; to be checked. */
  readonly digest?: string
  /** Of its uncompressed tar, where it is known already; to be checked. */
  readonly diffId?: string
}

/** All bytes of a layer, and the first of them: {@link MAGIC_BYTES}, or fewer when there are no more. */
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

/** An import of compressed layers is 3 % slower with half of it, and no faster with twice as much. */
const DECODER_CHUNK_BYTES = 2 * 1024 * 1024
/** 32 MiB, the largest that builders write; zstd's own program takes up to 2 GiB for `--long` and its levels above 19. */
const ZSTD_WINDOW_LOG = 25

const COMPRESSIONS = ['gzip', 'zstd', 'zstdSkippable'] as const
const UNSUPPORTED = ['bzip2', 'xz'] as const
/** First bytes of a layer that tell its compression: media types and file names may be wrong. */
export const MAGIC_BYTES = signatureBytes([...COMPRESSIONS, ...UNSUPPORTED])

/**
 * Sees the uncompressed tar as it streams by; the memory of a chunk is used again.
 * @throws OciFormatError when there is too much of it
 */
export type OnContent = (chunk: Uint8Array) => void

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
  const compression = sniff(layer, start)
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

/** Whether a file that starts like this may be a layer: compressed, or a tar. */
export function looksLikeLayer(start: Buffer): boolean {
  if (formatOf(start, COMPRESSIONS) !== undefined) return true
  return start.length >= BLOCK_BYTES && decodesAsHeader(start.subarray(0, BLOCK_BYTES))
}

/** Whether a layer's content may start like this: engines take one without any byte for an empty layer. */
function startsTar(start: Buffer): boolean {
  if (start.length === 0) return true
  return start.length === BLOCK_BYTES && (isZeroBlock(start) || decodesAsHeader(start))
}

function decodesAsHeader(block: Buffer): boolean {
  try {
    return decodeHeader(block) !== undefined
  } catch {
    // A right checksum over wrong numbers.
    return false
  }
}

function sniff({ name }: LayerFile, start: Buffer): LayerCompression {
  const unsupported = formatOf(start, UNSUPPORTED)
  if (unsupported !== undefined) {
    throw new OciFormatError(
      'unsupported-compression',
      `the layer ${quoted(name)} is compressed with ${unsupported}; plain, gzip and zstd are supported: ${SAVE_AGAIN}`,
    )
  }
  const compression = formatOf(start, COMPRESSIONS)
  return compression === 'zstdSkippable' ? 'zstd' : (compression ?? 'none')
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

/** The image names a file as a layer that cannot be one. */
export function notALayer(name: string): OciFormatError {
  return new OciFormatError(
    'corrupt-layer',
    `the image names ${quoted(name)} as a layer, which is none: ${SAVE_AGAIN}`,
  )
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

/** Digest and size of what a layer holds when it is decompressed. */
interface DecodedHash {
  readonly isPlain: boolean
  write(chunk: Uint8Array): Promise<void>
  finish(): Promise<string>
  close(): void
  sizeBytes(): number
}

/** At the pace of its writer. */
function decodedHash(name: string, compression: LayerCompression, onContent: OnContent): DecodedHash {
  const hash = createHash('sha256')
  let sizeBytes = 0
  let start = Buffer.alloc(0)
  const take = (chunk: Uint8Array): void => {
    hash.update(chunk)
    sizeBytes += chunk.length
    if (start.length < BLOCK_BYTES)
      start = Buffer.concat([start, chunk.subarray(0, BLOCK_BYTES - start.length)])
    onContent(chunk)
  }
  const result = { sizeBytes: () => sizeBytes, isPlain: compression === 'none' }
  const finish = (): string => {
    if (!startsTar(start)) throw notALayer(name)
    return `sha256:${hash.digest('hex')}`
  }
  if (compression === 'none') {
    return { ...result, write: async (chunk) => take(chunk), finish: async () => finish(), close: () => {} }
  }
  const decoder = decodeAside(name, compression, take)
  return {
    ...result,
    write: decoder.write,
    close: decoder.close,
    finish: async () => {
      await decoder.end()
      return finish()
    },
  }
}

interface SideDecoder {
  write(chunk: Uint8Array): Promise<void>
  end(): Promise<void>
  close(): void
}

function decodeAside(
  name: string,
  compression: 'gzip' | 'zstd',
  take: (chunk: Uint8Array) => void,
): SideDecoder {
  const options = { chunkSize: DECODER_CHUNK_BYTES }
  const decoder: Transform & { readonly bytesWritten: number } =
    compression === 'gzip'
      ? createGunzip(options)
      : createZstdDecompress({
          ...options,
          params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
        })
  const cutter = compression === 'zstd' ? createFrameCutter() : undefined
  let failure: unknown
  decoder.on('data', (chunk: Buffer) => {
    try {
      take(chunk)
      freeFull(chunk)
    } catch (error) {
      decoder.destroy(error as Error)
    }
  })
  decoder.on('error', (error) => {
    failure = error
  })
  const closed = new Promise<void>((resolve) => decoder.on('close', resolve))
  const assertSound = (): void => {
    if (failure === undefined) return
    if (failure instanceof OciFormatError) throw failure
    if ((failure as NodeJS.ErrnoException).code === 'ZSTD_error_frameParameter_windowTooLarge') {
      throw new OciFormatError(
        'limit-exceeded',
        `the layer ${quoted(name)} needs a zstd window of more than 32 MiB: compress it with level 19 at most and without --long`,
      )
    }
    throw damaged(name, (failure as Error).message, failure)
  }
  let writtenBytes = 0
  return {
    async write(chunk) {
      for (const piece of cutter?.cut(chunk) ?? [chunk]) {
        writtenBytes += piece.length
        if (!decoder.destroyed && !decoder.write(piece)) await drained(decoder)
        assertSound()
      }
    },
    async end() {
      cutter?.finish()
      decoder.end()
      await closed
      assertSound()
      // Node ends where zeros follow, which engines refuse; anything else it refuses itself.
      if (decoder.bytesWritten < writtenBytes) throw damaged(name, 'there are bytes after its end')
    },
    close: () => decoder.destroy(),
  }
}

/**
 * Frees what a decoder wrote to, once it is full and the decoder goes on with a new buffer: the same memory is used again, still in
 * the processor's cache, and the collector does not run for it. An import of compressed layers takes 4 % less time.
 */
function freeFull({ buffer, byteOffset, length }: Buffer): void {
  if (byteOffset + length === DECODER_CHUNK_BYTES) (buffer as ArrayBuffer).transfer(0)
}

function damaged(name: string, words: string, cause?: unknown): OciFormatError {
  return new OciFormatError(
    'corrupt-layer',
    `the layer ${quoted(name)} is damaged: ${words}; ${SAVE_AGAIN}`,
    {
      cause,
    },
  )
}

import { createHash } from 'node:crypto'
import type { Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { drained } from '../tar/drained.ts'
import type { ImageLayer } from './find-image.ts'
import { OciFormatError } from './oci-format-error.ts'
import { createFrameCutter } from './zstd-frames.ts'

export type LayerCompression = 'none' | 'gzip' | 'zstd'

/** A layer on its way: how it is compressed, and its bytes as they lie in the archive. */
export interface CheckedLayer {
  readonly compression: LayerCompression
  /** Ends with an OciFormatError when digest or diff id are wrong, before the reader may take the layer for complete. */
  readonly bytes: AsyncGenerator<Uint8Array, void, undefined>
  /** Size of the uncompressed tar; known when all bytes were read. */
  readonly contentBytes: () => number
}

/** The largest disk that a Fargate task can have; what inflates to more runs nowhere. */
const MAX_UNCOMPRESSED_BYTES = 200 * 1024 ** 3
const DECODER_CHUNK_BYTES = 1024 * 1024

/** Sniffed, because media types and file names lie. */
const MAGICS: readonly (readonly [hex: string, compression: LayerCompression])[] = [
  ['1f8b', 'gzip'],
  ['28b52ffd', 'zstd'],
]
const ZSTD_SKIPPABLE = /^5[0-9a-f]2a4d18/u
const FOREIGN: readonly (readonly [hex: string, name: string])[] = [
  ['425a68', 'bzip2'],
  ['fd377a58', 'xz'],
]

/**
 * Checks a layer while it streams by: the digest of its file where its place tells one, and the digest of its uncompressed
 * tar against the config's diff id. Holds some MiB, and what a zstd frame asks for as window (at most 128 MiB).
 * @throws OciFormatError
 */
export async function checkLayer(layer: ImageLayer, bytes: AsyncIterable<Uint8Array>): Promise<CheckedLayer> {
  const { start, all } = await peek(bytes)
  const compression = sniff(layer, start)
  const content = decodedHash(layer.file.name, compression)
  return { compression, bytes: check(layer, all, content), contentBytes: content.sizeBytes }
}

function sniff({ file }: ImageLayer, start: Buffer): LayerCompression {
  const hex = start.toString('hex')
  const foreign = FOREIGN.find(([magic]) => hex.startsWith(magic))
  if (foreign !== undefined) {
    throw new OciFormatError(
      'unsupported-compression',
      `the layer ${file.name} is compressed with ${foreign[1]}; plain, gzip and zstd are supported`,
    )
  }
  if (ZSTD_SKIPPABLE.test(hex)) return 'zstd'
  return MAGICS.find(([magic]) => hex.startsWith(magic))?.[1] ?? 'none'
}

async function* check(
  layer: ImageLayer,
  bytes: AsyncIterable<Uint8Array>,
  content: DecodedHash,
): AsyncGenerator<Uint8Array, void, undefined> {
  const fileHash = createHash('sha256')
  try {
    for await (const chunk of bytes) {
      fileHash.update(chunk)
      await content.write(chunk)
      yield chunk
    }
    const digest = `sha256:${fileHash.digest('hex')}`
    if (layer.file.digest !== undefined && layer.file.digest !== digest) {
      throw new OciFormatError('digest-mismatch', `${layer.file.name} has the digest ${digest}`)
    }
    const diffId = await content.finish()
    if (diffId !== layer.diffId) {
      throw new OciFormatError(
        'digest-mismatch',
        `the layer ${layer.file.name} has the diff id ${diffId}, while the image's config says ${layer.diffId}`,
      )
    }
  } finally {
    content.close()
  }
}

/** Digest and size of what a layer holds when it is decompressed. */
interface DecodedHash {
  write(chunk: Uint8Array): Promise<void>
  finish(): Promise<string>
  close(): void
  sizeBytes(): number
}

/** At the pace of its writer. */
function decodedHash(name: string, compression: LayerCompression): DecodedHash {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const take = (chunk: Uint8Array): void => {
    hash.update(chunk)
    sizeBytes += chunk.length
    if (sizeBytes <= MAX_UNCOMPRESSED_BYTES) return
    throw new OciFormatError('limit-exceeded', `the layer ${name} inflates to over 200 GiB`)
  }
  const result = { sizeBytes: () => sizeBytes }
  const finish = (): string => `sha256:${hash.digest('hex')}`
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
  const decoder: Transform = compression === 'gzip' ? createGunzip(options) : createZstdDecompress(options)
  const cutter = compression === 'zstd' ? createFrameCutter() : undefined
  let failure: unknown
  decoder.on('data', (chunk: Buffer) => {
    try {
      take(chunk)
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
    throw new OciFormatError('corrupt-layer', `the layer ${name} is damaged: ${failure}`, { cause: failure })
  }
  return {
    async write(chunk) {
      for (const piece of cutter?.cut(chunk) ?? [chunk]) {
        if (!decoder.destroyed && !decoder.write(piece)) await drained(decoder)
        assertSound()
      }
    },
    async end() {
      cutter?.finish()
      decoder.end()
      await closed
      assertSound()
    },
    close: () => decoder.destroy(),
  }
}

/** The first bytes (fewer when there are no more), and all of them again. */
async function peek(bytes: AsyncIterable<Uint8Array>): Promise<{
  readonly start: Buffer
  readonly all: AsyncGenerator<Uint8Array, void, undefined>
}> {
  const iterator = bytes[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let start = Buffer.alloc(0)
  while (start.length < 4) {
    const next = await iterator.next()
    if (next.done === true) break
    chunks.push(next.value)
    start = Buffer.concat(chunks)
  }
  async function* all(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* chunks
    try {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        yield next.value
    } finally {
      await iterator.return?.()
    }
  }
  return { start, all: all() }
}

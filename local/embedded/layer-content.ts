import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import * as zlib from 'node:zlib'
import { createFrameCutter } from '../../src/import/image/zstd-frames.ts'
import { peek } from '../../src/shared/peek.ts'

type Bytes = AsyncIterable<Uint8Array>

const MAGIC_BYTES = 4
const GZIP = '1f8b'
/** A frame, or one that is skipped. */
const ZSTD = /^(?:28b52ffd|5[0-9a-f]2a4d18)/u
/** 32 MiB, the largest window that an import accepts. */
const ZSTD_WINDOW_LOG = 25
const CHUNK_BYTES = 1024 * 1024

/**
 * A layer as the plain tar that it holds. The first bytes tell the compression, since media types can be wrong. Holds some MiB and a
 * zstd frame's window, at most 32 MiB.
 */
export async function* layerContent(bytes: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
  const { start, all } = await peek(bytes, MAGIC_BYTES)
  const magic = start.toString('hex', 0, MAGIC_BYTES)
  if (magic.startsWith(GZIP)) yield* decoded(all, zlib.createGunzip({ chunkSize: CHUNK_BYTES }))
  else if (ZSTD.test(magic)) {
    const params = { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG }
    yield* decoded(framesOf(all), zlib.createZstdDecompress({ chunkSize: CHUNK_BYTES, params }))
  } else yield* all
}

async function* framesOf(bytes: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
  const cutter = createFrameCutter()
  for await (const chunk of bytes) yield* cutter.cut(chunk)
  cutter.finish()
}

async function* decoded(
  bytes: Bytes,
  decoder: zlib.Gunzip | zlib.ZstdDecompress,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = Readable.from(bytes, { objectMode: false })
  source.on('error', (error) => decoder.destroy(error))
  try {
    yield* source.pipe(decoder)
  } finally {
    source.destroy()
  }
}

/**
 * Passes a blob on and counts it.
 * @throws Error at its end when it is not the one with this digest.
 */
export async function* withDigest(bytes: Bytes, digest: string): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256')
  for await (const chunk of bytes) {
    hash.update(chunk)
    yield chunk
  }
  const found = `sha256:${hash.digest('hex')}`
  if (found !== digest) throw new Error(`the registry sent ${found} for ${digest}`)
}

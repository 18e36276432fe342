import { createHash } from 'node:crypto'
import { Readable, type Transform } from 'node:stream'
import { createDecoder } from '../../src/import/image/decoded-hash.ts'
import { createFrameCutter } from '../../src/import/image/zstd-frames.ts'
import { formatOf, signatureBytes } from '../../src/shared/file-signatures.ts'
import { peek } from '../../src/shared/peek.ts'

type Bytes = AsyncIterable<Uint8Array>

const COMPRESSIONS = ['gzip', 'zstd', 'zstdSkippable'] as const

/**
 * Content of a layer as a plain tar. The first bytes identify the compression, since media types can be wrong. Memory: a few MiB
 * plus the zstd window, at most 32 MiB.
 */
export async function* layerContent(bytes: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
  const { start, all } = await peek(bytes, signatureBytes(COMPRESSIONS))
  const compression = formatOf(start, COMPRESSIONS)
  if (compression === undefined) yield* all
  else if (compression === 'gzip') yield* decoded(all, createDecoder('gzip'))
  else yield* decoded(framesOf(all), createDecoder('zstd'))
}

async function* framesOf(bytes: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
  const cutter = createFrameCutter()
  for await (const chunk of bytes) yield* cutter.cut(chunk)
  cutter.finish()
}

async function* decoded(bytes: Bytes, decoder: Transform): AsyncGenerator<Uint8Array, void, undefined> {
  const source = Readable.from(bytes, { objectMode: false })
  source.on('error', (error) => decoder.destroy(error))
  try {
    yield* source.pipe(decoder)
  } finally {
    source.destroy()
  }
}

/**
 * Passes a blob through and hashes it.
 * @throws Error at its end when its digest differs
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

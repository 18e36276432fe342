import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'

// 1 MiB instead of zlib's 16 KiB: fewer and larger writes to the registry.
const CHUNK_BYTES = 1024 * 1024

/** A plain layer, compressed as it streams by; the same bytes give the same blob. Holds some MiB. */
export function gzipLayer(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  // The callback has nothing to do: pipeline destroys the compressor with the same error, which its reader then meets.
  return pipeline(
    Readable.from(bytes, { objectMode: false }),
    createGzip({ chunkSize: CHUNK_BYTES }),
    () => {},
  )
}

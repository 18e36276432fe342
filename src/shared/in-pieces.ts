/**
 * Size of a piece. Each piece costs a switch to the thread pool and system calls. Measured: an import of 1 GB is 4 %
 * faster with 2 MiB than with 1 MiB, and no faster with 4 MiB.
 */
const PIECE_BYTES = 2 * 1024 * 1024

/**
 * Joins chunks into larger pieces: networks and files give chunks of 64 KiB, which halve the throughput of
 * decompressors and sockets.
 */
export async function* inPieces(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of bytes) {
    chunks.push(chunk)
    sizeBytes += chunk.length
    if (sizeBytes < PIECE_BYTES) continue
    yield joined(chunks)
    chunks = []
    sizeBytes = 0
  }
  if (sizeBytes > 0) yield joined(chunks)
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)
}

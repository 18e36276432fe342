import { continued } from './continued.ts'

/** Reads the first bytes (fewer at the end) and returns them with an iterator over all bytes, whose end closes the source. */
export async function peek(
  bytes: AsyncIterable<Uint8Array>,
  length: number,
): Promise<{
  readonly start: Buffer
  readonly all: AsyncIterableIterator<Uint8Array, void, undefined>
}> {
  const iterator = bytes[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let start: Buffer = Buffer.alloc(0)
  while (start.length < length) {
    const next = await iterator.next()
    if (next.done === true) break
    chunks.push(next.value)
    start = Buffer.concat(chunks)
  }
  return { start, all: continued(chunks, iterator) }
}

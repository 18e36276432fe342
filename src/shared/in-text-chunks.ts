/** Minimum length of a chunk: an upload needs some microseconds for each. */
const CHUNK_LENGTH = 64 * 1024

/** Joins small texts into larger chunks of UTF-8. */
export async function* inTextChunks(pieces: AsyncIterable<string>): AsyncGenerator<Buffer, void, undefined> {
  let text = ''
  for await (const piece of pieces) {
    text += piece
    if (text.length < CHUNK_LENGTH) continue
    yield Buffer.from(text)
    text = ''
  }
  yield Buffer.from(text)
}

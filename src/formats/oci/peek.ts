/** The first bytes (fewer when there are no more), and all of them again; closing that closes the source. */
export async function peek(
  bytes: AsyncIterable<Uint8Array>,
  length: number,
): Promise<{
  readonly start: Buffer
  readonly all: AsyncGenerator<Uint8Array, void, undefined>
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
  async function* all(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) yield chunk
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        yield next.value
    } finally {
      await iterator.return?.()
    }
  }
  return { start, all: all() }
}

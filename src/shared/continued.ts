/**
 * Iterates over chunks that were read ahead, then over their source. Not a generator, because a generator that was never started does not
 * close its source.
 */
export function continued(
  chunks: Uint8Array[],
  iterator: AsyncIterator<Uint8Array>,
): AsyncIterableIterator<Uint8Array, void, undefined> {
  const rest: AsyncIterableIterator<Uint8Array, void, undefined> = {
    async next() {
      const value = chunks.shift()
      if (value !== undefined) return { done: false, value }
      const next = await iterator.next()
      return next.done === true ? { done: true, value: undefined } : next
    },
    async return() {
      chunks.length = 0
      await iterator.return?.()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]: () => rest,
  }
  return rest
}

/** Runs `work` on every item, `atOnce` at a time; after the first failure none is begun any more. */
export async function forEachInParallel<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  let hasFailed = false
  async function worker(): Promise<void> {
    while (!hasFailed) {
      const next = await iterator.next()
      if (next.done === true) return
      await work(next.value)
    }
  }
  const guarded = async (): Promise<void> => {
    try {
      await worker()
    } catch (error) {
      hasFailed = true
      throw error
    }
  }
  await Promise.all(Array.from({ length: atOnce }, guarded))
}

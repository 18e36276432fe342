import pMap, { pMapSkip } from 'p-map'

export interface MapOptions {
  /** Maximum number of items in progress. */
  readonly concurrency: number
  /** Aborts the work from outside. */
  readonly signal?: AbortSignal
}

/**
 * Maps items concurrently, in order. The first failure aborts the signal that `work` receives, and no further item is started. Unlike
 * `pMap`, it rejects only after all work in progress has ended, so that the caller can clean up.
 * @throws the first failure, or the reason of the outer signal
 */
export async function mapUntilFailure<Item, Result>(
  items: Iterable<Item>,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
  { concurrency, signal: outer }: MapOptions,
): Promise<Result[]> {
  const failure = new AbortController()
  const signal = outer === undefined ? failure.signal : AbortSignal.any([outer, failure.signal])
  const results = await pMap(
    items,
    async (item) => {
      if (signal.aborted) return pMapSkip
      try {
        return await work(item, signal)
      } catch (error) {
        failure.abort(error)
        return pMapSkip
      }
    },
    { concurrency },
  )
  signal.throwIfAborted()
  return results
}

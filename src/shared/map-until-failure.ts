import pMap, { pMapSkip } from 'p-map'

export interface MapOptions {
  /** Items under way at the same time. */
  readonly concurrency: number
  /** Ends the work from outside. */
  readonly signal?: AbortSignal
}

/**
 * Maps items concurrently and keeps their order. The first failure aborts the signal that `work` receives, and no further item is
 * begun. Unlike `pMap`, rejects only when everything under way has ended, so that the caller can clean up.
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

import { pause as realPause } from './pause.ts'

/** Waits before a retry; tests pass one that returns at once. */
export type Pause = (milliseconds: number, signal?: AbortSignal) => Promise<unknown>

export interface RetryOptions {
  /** One pause per retry. After the last retry the error is thrown. */
  readonly pausesMs: Iterable<number>
  readonly isRetryable: (error: unknown) => boolean
  readonly pause?: Pause | undefined
  /** Aborts a pause, with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Retries a call while its errors are retryable.
 * @throws the last error, or the signal's reason
 */
export async function retry<Result>(
  call: () => Promise<Result>,
  { pausesMs, isRetryable, pause = realPause, signal }: RetryOptions,
): Promise<Result> {
  for (const pauseMs of pausesMs) {
    try {
      return await call()
    } catch (error) {
      if (!isRetryable(error)) throw error
    }
    await pause(pauseMs, signal)
  }
  return await call()
}

export interface Backoff {
  readonly retries: number
  readonly firstMs: number
  readonly longestMs?: number
  /** Shortens each pause randomly to between half and all of it, so that clients do not retry together. */
  readonly hasJitter?: boolean
}

/** Yields pauses, each twice as long as the one before. */
export function* backoff({
  retries,
  firstMs,
  longestMs = Number.POSITIVE_INFINITY,
  hasJitter = false,
}: Backoff): Generator<number, void, undefined> {
  for (let index = 0; index < retries; index += 1) {
    const pauseMs = Math.min(longestMs, firstMs * 2 ** index)
    yield hasJitter ? pauseMs * (0.5 + Math.random() / 2) : pauseMs
  }
}

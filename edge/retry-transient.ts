import { retry } from '../src/shared/retry.ts'
import { isTransient } from './failures.ts'

/** Retries transient failures, once after each pause. @throws the last failure, or the signal's reason */
export function retryTransient<T>(
  call: () => Promise<T>,
  pausesMs: readonly number[],
  signal?: AbortSignal,
): Promise<T> {
  return retry(call, { pausesMs, isRetryable: isTransient, signal })
}

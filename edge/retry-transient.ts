import { setTimeout as pause } from 'node:timers/promises'
import { isTransient } from './failures.ts'

/** Retries transient failures, once after each pause. @throws the last failure */
export async function retryTransient<T>(
  ask: () => Promise<T>,
  pausesMs: readonly number[],
  signal?: AbortSignal,
): Promise<T> {
  for (const pauseMs of pausesMs) {
    try {
      return await ask()
    } catch (error) {
      if (!isTransient(error)) throw error
    }
    await pause(pauseMs, undefined, signal === undefined ? {} : { signal })
  }
  return ask()
}

import { setTimeout as pause } from 'node:timers/promises'
import { isPassing } from './failures.ts'

/** Repeats what failed for a passing reason, after each of the pauses; the last failure is the caller's. */
export async function askAgain<T>(
  ask: () => Promise<T>,
  pausesMs: readonly number[],
  signal?: AbortSignal,
): Promise<T> {
  for (const pauseMs of pausesMs) {
    try {
      return await ask()
    } catch (error) {
      if (!isPassing(error)) throw error
    }
    await pause(pauseMs, undefined, signal === undefined ? {} : { signal })
  }
  return ask()
}

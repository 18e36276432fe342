import { setTimeout } from 'node:timers/promises'

/**
 * Waits.
 * @throws the signal's reason, immediately
 */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await setTimeout(milliseconds, undefined, signal && { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

import { backoff, retry } from '../../src/shared/retry.ts'
import type { BusEvent } from '../batch/rule-targets.ts'
import type { Catalogue } from './catalogue.ts'

/** Concurrent function calls: an import takes up to 15 minutes and must not block the others. */
const MAX_AT_A_TIME = 16
const BACKOFF = { retries: Number.POSITIVE_INFINITY, firstMs: 200, longestMs: 5000 }

/**
 * Delivers the events of the catalogue, each until it was accepted once. The order is not kept, as on EventBridge.
 * @returns a function to call when an event was recorded, and once at the start
 */
export function createEventQueue(
  catalogue: Catalogue,
  deliver: (event: BusEvent) => Promise<void>,
  warn: (text: string) => void,
): () => void {
  const working = new Set<string>()

  function work(): void {
    const rows = catalogue.all<{ id: string; body: string }>('SELECT id, body FROM event ORDER BY rowid')
    for (const { id, body } of rows) {
      if (working.size >= MAX_AT_A_TIME) return
      if (working.has(id)) continue
      working.add(id)
      void deliverOne(id, JSON.parse(body) as BusEvent).finally(() => {
        working.delete(id)
        work()
      })
    }
  }

  function deliverOne(id: string, event: BusEvent): Promise<void> {
    const attempt = async (): Promise<void> => {
      await deliver(event)
      catalogue.run('DELETE FROM event WHERE id = ?', id)
    }
    const isRetryable = (error: unknown): boolean => {
      warn(`event ${id} waits: ${String(error)}`)
      return true
    }
    return retry(attempt, { pausesMs: backoff(BACKOFF), isRetryable })
  }

  return work
}

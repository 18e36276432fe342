import type { Service } from './service.ts'

/** Reads a run's log piece by piece. */
export interface LogReader {
  /** What is new since the last call. */
  next(): Promise<string>
}

/** Header with the place where the next piece begins. */
const NEXT_HEADER = 'x-log-next'

/** From a service without pieces the whole log comes each time, and what was read of it is left out. */
export function createLogReader(service: Service, runId: string): LogReader {
  let after: string | undefined
  let read = 0
  return {
    async next() {
      const query = after === undefined ? '?after=0' : `?after=${encodeURIComponent(after)}`
      const answer = await service.call(`task-runs/${runId}/logs${query}`)
      const text = await answer.text()
      const next = answer.headers.get(NEXT_HEADER)
      if (next !== null) {
        after = next
        return text
      }
      const rest = text.slice(read)
      read = Math.max(read, text.length)
      return rest
    },
  }
}

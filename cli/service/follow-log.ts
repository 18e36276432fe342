import { pause } from '../../src/shared/pause.ts'
import type { Service } from './service.ts'

/** Reads a run's log in pieces. */
export interface LogReader {
  /** Text added since the last call. */
  next(): Promise<string>
  /** Remaining pieces of an ended run; the last one contains the reason of a failure. Lines may arrive seconds after the end. */
  rest(): AsyncIterable<string>
}

/** Response header with the offset of the next piece. */
const NEXT_HEADER = 'x-log-next'
const COMPLETE_HEADER = 'x-log-complete'

/** Pause between two polls for late lines. */
const POLL_MS = 1000

/** Skips the part already read if the service is an older one, which returns the whole log each time. */
export function createLogReader(service: Service, runId: string): LogReader {
  let after: string | undefined
  let read = 0
  let isComplete = false

  async function next(): Promise<string> {
    const query = after === undefined ? '?after=0' : `?after=${encodeURIComponent(after)}`
    const answer = await service.call(`task-runs/${runId}/logs${query}`)
    const text = await answer.text()
    const place = answer.headers.get(NEXT_HEADER)
    isComplete = place === null || answer.headers.get(COMPLETE_HEADER) === 'true'
    if (place !== null) {
      after = place
      return text
    }
    const rest = text.slice(read)
    read = Math.max(read, text.length)
    return rest
  }

  return {
    next,
    async *rest() {
      do {
        const text = await next()
        yield text
        if (!isComplete && text === '') await pause(POLL_MS, service.signal)
      } while (!isComplete)
    },
  }
}

import type { IncomingMessage } from 'node:http'
import { MIN_BYTES_PER_SECOND, PROGRESS_BYTES } from './limits.ts'

/** How a body comes in. */
export interface BodyWatch {
  /** Milliseconds since the last {@link PROGRESS_BYTES} arrived; 0 while bytes wait for the edge, or when all have arrived. */
  stalledMs(): number
  /** Average since the watch began. */
  bytesPerSecond(): number
}

const SLOWEST_LOOK_MS = 500

interface Mark {
  readonly at: number
  readonly bytes: number
}

/**
 * Watches a body until it has arrived or its connection is closed. Time counts only while the edge has read all that came: a
 * client is not slow because S3 is.
 * @param idleMs `onStalled` is called after each such time in which less than {@link MIN_BYTES_PER_SECOND} arrived on average.
 */
export function watchBody(request: IncomingMessage, idleMs: number, onStalled: () => void): BodyWatch {
  const { socket } = request
  const leastBytes = (MIN_BYTES_PER_SECOND * idleMs) / 1000
  const mark = (): Mark => ({ at: performance.now(), bytes: socket.bytesRead })
  const isOurs = (): boolean => request.complete || request.readableLength > 0
  const begin = mark()
  let progress = begin
  let minimum = begin

  function look(): void {
    const now = mark()
    if (isOurs() || now.bytes - progress.bytes >= PROGRESS_BYTES) progress = now
    if (isOurs() || now.bytes - minimum.bytes >= leastBytes) minimum = now
    else if (now.at - minimum.at >= idleMs) {
      minimum = now
      onStalled()
    }
  }
  const looking = setInterval(look, Math.min(SLOWEST_LOOK_MS, idleMs / 4)).unref()
  const end = (): void => clearInterval(looking)
  request.once('end', end).once('close', end)

  return {
    stalledMs() {
      look()
      return isOurs() ? 0 : performance.now() - progress.at
    },
    bytesPerSecond() {
      const { at, bytes } = mark()
      return ((bytes - begin.bytes) * 1000) / Math.max(at - begin.at, 1)
    },
  }
}

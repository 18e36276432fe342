import type { IncomingMessage } from 'node:http'
import { MIN_BYTES_PER_SECOND, PROGRESS_BYTES } from './limits.ts'

const MAX_CHECK_MS = 500

interface Mark {
  readonly at: number
  readonly bytes: number
}

/**
 * Measures the throughput of a body until its end. Time with unread bytes in the buffer does not count: S3 is slow then, not the client.
 * @param onStalled Called after each `ratePeriodMs` in which less than {@link MIN_BYTES_PER_SECOND} arrived on average
 */
export function watchBody(request: IncomingMessage, ratePeriodMs: number, onStalled: () => void) {
  const { socket } = request
  const minBytes = (MIN_BYTES_PER_SECOND * ratePeriodMs) / 1000
  const mark = (): Mark => ({ at: performance.now(), bytes: socket.bytesRead })
  const isUnread = (): boolean => request.complete || request.readableLength > 0
  const begin = mark()
  let progress = begin
  let minimum = begin

  function check(): void {
    const now = mark()
    if (isUnread() || now.bytes - progress.bytes >= PROGRESS_BYTES) progress = now
    if (isUnread() || now.bytes - minimum.bytes >= minBytes) minimum = now
    else if (now.at - minimum.at >= ratePeriodMs) {
      minimum = now
      onStalled()
    }
  }
  const timer = setInterval(check, Math.min(MAX_CHECK_MS, ratePeriodMs / 4)).unref()
  const end = (): void => clearInterval(timer)
  request.once('end', end).once('close', end)

  return {
    /** Milliseconds since the last {@link PROGRESS_BYTES} arrived; 0 while unread bytes are buffered, and after the last byte. */
    stalledMs(): number {
      check()
      return isUnread() ? 0 : performance.now() - progress.at
    },
    /** Average since the start of the watch. */
    bytesPerSecond(): number {
      const { at, bytes } = mark()
      return ((bytes - begin.bytes) * 1000) / Math.max(at - begin.at, 1)
    },
  }
}

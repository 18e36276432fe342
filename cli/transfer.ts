import { formatBytes, formatDuration } from '../src/contract/format.ts'

/** Time over which rates are averaged: short, so that they follow a connection that slows down. */
const WINDOW_MS = 30_000
/** Least interval between two marks of the window, which bounds their number. */
const MARK_MS = 250

/** Progress of a transfer. */
export interface Transfer {
  /** Counts bytes that were sent; a negative number takes back those of a failed attempt. @returns share, rate and time left */
  add(bytes: number): string
}

/**
 * Starts to measure a transfer.
 * @param present bytes of the total that an earlier call has sent
 */
export function createTransfer(
  { total, present }: { readonly total: number; readonly present: number },
  now: () => number = Date.now,
): Transfer {
  let sent = 0
  const marks = [{ at: now(), sent: 0 }]
  return {
    add(bytes) {
      sent += bytes
      const at = now()
      if (at - (marks.at(-1)?.at ?? at) >= MARK_MS) marks.push({ at, sent })
      while (marks.length > 2 && at - (marks[1]?.at ?? at) >= WINDOW_MS) marks.shift()
      const [first = { at, sent: 0 }] = marks
      const bytesPerSecond = (sent - first.sent) / (Math.max(1, at - first.at) / 1000)
      const percent = Math.floor((100 * (present + sent)) / total)
      if (bytesPerSecond <= 0) return `${percent} %`
      const left = formatDuration(Math.ceil((total - present - sent) / bytesPerSecond))
      return `${percent} %, ${formatBytes(bytesPerSecond)}/s, ${left} left`
    },
  }
}

import type { ByteSource } from './byte-source.ts'
import { readAll } from './read-all.ts'

/** Reads bytes of a source; fewer when the source ends early. */
export type ReadBytes = (start: number, length: number) => Promise<Buffer>

interface Window {
  readonly start: number
  readonly bytes: Buffer
}

/**
 * Serves small reads from one window of the source. A read outside fetches the next window, which starts at that read. Memory: one window,
 * or the longest read.
 * @param onFetch called before each request to the source
 */
export function createWindowReader(
  source: ByteSource,
  windowBytes: number,
  onFetch: () => void = () => {},
): ReadBytes {
  let window: Window = { start: 0, bytes: Buffer.alloc(0) }
  const fetchWindow = async (start: number, length: number): Promise<Window> => {
    onFetch()
    const wanted = Math.min(Math.max(length, windowBytes), source.sizeBytes - start)
    window = { start, bytes: await readAll(await source.read(start, wanted)) }
    return window
  }
  return async (start, length) => {
    const known = window
    const isThere = start >= known.start && start + length <= known.start + known.bytes.length
    // Concurrent reads may replace the window.
    const { start: at, bytes } = isThere ? known : await fetchWindow(start, length)
    return bytes.subarray(start - at, start - at + length)
  }
}

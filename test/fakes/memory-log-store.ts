import { LogPositionError, type LogStore } from '../../src/run/log-store.ts'
import { newestText } from '../../src/run/newest-text.ts'

/** Log store with functions for tests. */
export interface MemoryLogStore extends LogStore {
  put(logStreamName: string, text: string): void
  /** Names of the existing streams. */
  streams(): readonly string[]
}

/** In-memory log store for tests. */
export function createMemoryLogStore(): MemoryLogStore {
  const streams = new Map<string, string>()

  return {
    put(logStreamName, text) {
      streams.set(logStreamName, text)
    },

    streams: () => [...streams.keys()],

    async read(logStreamName, maxBytes) {
      return newestText(streams.get(logStreamName) ?? '', maxBytes)
    },

    async readAfter(logStreamName, position, maxLines) {
      const all = streams.get(logStreamName)
      if (all === undefined) return undefined
      const lines = all.split('\n').slice(0, -1)
      const start = position === undefined ? Math.max(0, lines.length - maxLines) : Number(position.slice(2))
      if (!Number.isInteger(start)) throw new LogPositionError('no such position')
      const page = lines.slice(start, start + maxLines)
      return {
        text: page.map((line) => `${line}\n`).join(''),
        next: `f/${start + page.length}`,
        isCut: position === undefined && start > 0,
      }
    },

    async remove(logStreamName) {
      streams.delete(logStreamName)
    },
  }
}

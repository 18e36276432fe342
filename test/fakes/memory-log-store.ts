import type { LogStore } from '../../src/run/log-store.ts'
import { newestText } from '../../src/run/newest-text.ts'

/** What tests may arrange besides the port. */
export interface MemoryLogStore extends LogStore {
  put(logStreamName: string, text: string): void
  /** Names of those that are there. */
  streams(): readonly string[]
}

/** Log streams in this process, for tests. */
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

    async remove(logStreamName) {
      streams.delete(logStreamName)
    },
  }
}

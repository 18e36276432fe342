import type { ImportRequests } from '../../src/upload/import-requests.ts'

/** Import requests with functions for tests. */
export interface MemoryImportRequests extends ImportRequests {
  /** Upload ids of the pending requests. */
  readonly waiting: string[]
}

/** In-memory import requests for tests. */
export function createMemoryImportRequests(): MemoryImportRequests {
  const waiting: string[] = []
  return {
    waiting,
    async send(uploadId) {
      waiting.push(uploadId)
    },
  }
}

import type { ImportRequests } from '../../src/upload/import-requests.ts'

/** What tests may ask besides the port. */
export interface MemoryImportRequests extends ImportRequests {
  /** Ids of the uploads whose import was asked for and not yet taken. */
  readonly waiting: string[]
}

/** Requests that wait in this process, for tests. */
export function createMemoryImportRequests(): MemoryImportRequests {
  const waiting: string[] = []
  return {
    waiting,
    async send(uploadId) {
      waiting.push(uploadId)
    },
  }
}

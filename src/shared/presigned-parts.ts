import { MAX_PARTS } from '../contract/upload-limits.ts'

/** Presigned URLs of the parts of one upload. */
export interface PresignedParts {
  /** Sends a part to its URL. After a failure the next call for the part gets a new URL, because the old one may have expired. */
  put<Result>(partNumber: number, send: (url: string) => Promise<Result>): Promise<Result>
}

export interface PresignedPartsOptions {
  /** Returns URLs of the parts from `first` to `last`, in this order. */
  readonly ask: (first: number, last: number) => Promise<readonly string[]>
  /** URLs per request. */
  readonly batch: number
  readonly lastPart?: number
}

/** Requests URLs in batches, when the first of a batch is needed. */
export function createPresignedParts({
  ask,
  batch,
  lastPart = MAX_PARTS,
}: PresignedPartsOptions): PresignedParts {
  const known = new Map<number, Promise<string | undefined>>()
  const request = (first: number): void => {
    const last = Math.max(first, Math.min(first + batch - 1, lastPart))
    const urls = ask(first, last)
    for (let number = first; number <= last; number += 1) {
      const url = urls.then((all) => all[number - first])
      // Handles a rejection before the part is awaited.
      url.catch(() => undefined)
      known.set(number, url)
    }
  }
  return {
    async put(partNumber, send) {
      if (!known.has(partNumber)) request(partNumber)
      try {
        const url = await known.get(partNumber)
        if (url === undefined) throw new Error(`there is no URL for part ${partNumber}`)
        return await send(url)
      } catch (error) {
        known.delete(partNumber)
        throw error
      }
    },
  }
}

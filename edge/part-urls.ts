/** URLs per request: for 256 MiB, so that a slow client seldom gets an expired one. */
const BATCH = 16

/** S3's maximum; the API refuses later part numbers. */
const MAX_PARTS = 10_000

/** The presigned URLs of one upload. */
export interface PartUrls {
  urlOf(partNumber: number): Promise<URL>
  /** Makes the next `urlOf` of this part request a new URL. */
  forget(partNumber: number): void
}

/** @param ask Returns URLs of the parts from `first` to `last`, in this order */
export function createPartUrls(ask: (first: number, last: number) => Promise<readonly URL[]>): PartUrls {
  const batches = new Map<number, { readonly first: number; readonly urls: Promise<readonly URL[]> }>()
  return {
    async urlOf(partNumber) {
      let batch = batches.get(partNumber)
      if (batch === undefined) {
        const last = Math.max(partNumber, Math.min(partNumber + BATCH - 1, MAX_PARTS))
        batch = { first: partNumber, urls: ask(partNumber, last) }
        for (let number = partNumber; number <= last; number += 1) batches.set(number, batch)
      }
      const url = (await batch.urls)[partNumber - batch.first]
      if (url === undefined) throw new Error(`the API gave no URL for part ${partNumber}`)
      return url
    },
    forget: (partNumber) => batches.delete(partNumber),
  }
}

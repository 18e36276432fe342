/** URLs that are asked for at once: for 256 MiB, so that a slow client seldom finds one expired. */
const BATCH = 16

/** S3 takes no more parts; the API says so to one who asks for a later one. */
const MAX_PARTS = 10_000

/** The presigned URLs of one upload. */
export interface PartUrls {
  urlOf(partNumber: number): Promise<URL>
  /** The next question for this part gets a new URL. */
  forget(partNumber: number): void
}

/** @param ask URLs of the parts from `first` to `last`, in their order. */
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

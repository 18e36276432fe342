import type { CompleteParts, OutputEntry, PartUrls } from '../../../src/contract/staging.ts'
import type { StagingApi } from '../../../stager/api-client.ts'
import type { FakeBucket } from './fake-bucket.ts'

/** An API that accepts the outputs with these names, and records its calls. */
export function anOutputsApi(bucket: FakeBucket, declared: readonly string[]) {
  const told: { entries: readonly OutputEntry[]; completed: CompleteParts[] } = { entries: [], completed: [] }
  const api: Omit<StagingApi, 'inputs' | 'report'> = {
    async outputs(jobAttempt, entries) {
      told.entries = entries
      const names = entries.map((entry) => entry.name).filter((name) => declared.includes(name))
      return {
        uploads: names.map((name) => ({ name, url: bucket.url(`/${jobAttempt}/${name}`) })),
        listingUrl: bucket.url(`/${jobAttempt}/staged.json`),
      }
    },
    beginParts: async () => ({ multipartId: 'id' }),
    partUrls: async ({ name, first, count }: PartUrls) =>
      Array.from({ length: count }, (_, i) => bucket.url(`/${name}/${first + i}`)),
    completeParts: async (output) => void told.completed.push(output),
  }
  return { api, told }
}

import { createHash } from 'node:crypto'
import pMap from 'p-map'
import { MAX_PART_URLS } from '../src/contract/staging.ts'
import type { StagingApi } from './api-client.ts'
import { md5In } from './checksum.ts'
import { putTo } from './http.ts'
import { createLinks, type Link } from './link.ts'
import { withRetry } from './retry.ts'
import type { TransferSettings } from './settings.ts'

/** Bytes that can be read again from their start, for a second try. */
export interface Content {
  readonly sizeBytes: number
  open(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  /** Called when they are not needed any more. */
  release?(): void
}

/**
 * Sends bytes by one PUT, and compares the MD5 that S3 answers with.
 * @throws FinalError
 */
export async function upload(
  name: string,
  { sizeBytes, open }: Content,
  link: Link,
  settings: TransferSettings,
): Promise<void> {
  let url = ''
  await withRetry(
    `uploading ${name}`,
    settings,
    async () => {
      url = await link.current()
      const hash = createHash('md5')
      async function* hashed() {
        for await (const chunk of open()) {
          hash.update(chunk)
          yield chunk
        }
      }
      const stored = md5In(await putTo(url, { sizeBytes, bytes: hashed() }, settings.silenceMs))
      if (stored !== undefined && stored !== hash.digest('hex')) throw new Error('it arrived damaged')
    },
    () => link.renew(url),
  )
}

/** An output of this attempt. */
export interface LargeOutput {
  readonly jobAttempt: number
  readonly name: string
  readonly sizeBytes: number
}

/**
 * Sends an output in parts, several at a time, each by itself again when its connection breaks. A part is taken from `parts`
 * when its turn comes.
 * @throws FinalError
 */
export async function uploadInParts(
  api: Pick<StagingApi, 'beginParts' | 'partUrls' | 'completeParts'>,
  { jobAttempt, name, sizeBytes }: LargeOutput,
  parts: Iterable<Content> | AsyncIterable<Content>,
  settings: TransferSettings,
): Promise<void> {
  const { multipartId } = await api.beginParts({ jobAttempt, name })
  const begun = { jobAttempt, name, multipartId }
  const count = Math.ceil(sizeBytes / settings.partBytes)
  const linkOf = partLinks(count, (first, length) => api.partUrls({ ...begun, first, count: length }))
  const send = async (part: Content, index: number): Promise<void> => {
    const number = index + 1
    await upload(`part ${number} of ${name}`, part, linkOf(number), settings)
    part.release?.()
  }
  await pMap(parts, send, { concurrency: settings.atOnce })
  await api.completeParts({ ...begun, sizeBytes })
}

/** URLs are asked for by the hundred, when the first of them is needed. */
function partLinks(
  count: number,
  ask: (first: number, length: number) => Promise<readonly string[]>,
): (partNumber: number) => Link {
  const batches = new Map<number, (partNumber: number) => Link>()
  return (partNumber) => {
    const first = partNumber - ((partNumber - 1) % MAX_PART_URLS)
    const length = Math.min(MAX_PART_URLS, count - first + 1)
    const batch =
      batches.get(first) ??
      createLinks(async () => new Map((await ask(first, length)).map((url, i) => [first + i, url])))
    batches.set(first, batch)
    return batch(partNumber)
  }
}

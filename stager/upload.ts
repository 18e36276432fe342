import { createHash } from 'node:crypto'
import pMap from 'p-map'
import { MAX_PART_URLS } from '../src/contract/staging.ts'
import { createPresignedParts } from '../src/shared/presigned-parts.ts'
import type { StagingApi } from './api-client.ts'
import { md5In } from './checksum.ts'
import { putTo } from './http.ts'
import { withRetry } from './retry.ts'
import type { TransferSettings } from './settings.ts'
import type { Link } from './signed-url.ts'

/** Bytes that can be read repeatedly, for retries. */
export interface Content {
  readonly sizeBytes: number
  open(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  /** Called when the bytes are no longer needed. */
  release?(): void
}

/**
 * Uploads bytes with one PUT, and verifies the MD5 that S3 returns.
 * @throws FinalError
 */
export async function upload(
  name: string,
  content: Content,
  link: Link,
  settings: TransferSettings,
): Promise<void> {
  let url = ''
  const send = async (): Promise<void> => {
    url = await link.current()
    await put(url, content, settings)
  }
  await withRetry(`uploading ${name}`, settings, send, () => link.renew(url))
}

async function put(
  url: string,
  { sizeBytes, open }: Content,
  { silenceMs }: TransferSettings,
): Promise<void> {
  const hash = createHash('md5')
  async function* hashed() {
    for await (const chunk of open()) {
      hash.update(chunk)
      yield chunk
    }
  }
  const stored = md5In(await putTo(url, { sizeBytes, bytes: hashed() }, silenceMs))
  if (stored !== undefined && stored !== hash.digest('hex')) throw new Error('it arrived damaged')
}

/** A large output of this attempt. */
export interface LargeOutput {
  readonly jobAttempt: number
  readonly name: string
  readonly sizeBytes: number
}

/**
 * Multipart upload of an output, several parts in parallel, each retried on its own. A part is taken from `parts` when it is sent.
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
  const urls = createPresignedParts({
    ask: (first, last) => api.partUrls({ ...begun, first, count: last - first + 1 }),
    batch: MAX_PART_URLS,
    lastPart: Math.ceil(sizeBytes / settings.partBytes),
  })
  const send = async (part: Content, index: number): Promise<void> => {
    const number = index + 1
    const sendOnce = () => urls.put(number, (url) => put(url, part, settings))
    await withRetry(`uploading part ${number} of ${name}`, settings, sendOnce, async () => {})
    part.release?.()
  }
  await pMap(parts, send, { concurrency: settings.atOnce })
  await api.completeParts({ ...begun, sizeBytes })
}

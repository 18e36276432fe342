import { exchange } from '../src/shared/http.ts'
import type { Connect } from './connections.ts'
import { UnreachableError } from './failures.ts'
import { createPartUrls, type PartUrls } from './part-urls.ts'
import { retryTransient } from './retry-transient.ts'
import type { Uploads } from './uploads.ts'

export interface PartSenderOptions {
  readonly uploads: Pick<Uploads, 'partUrls'>
  readonly connect: Connect
  /** Pauses between retries of one part. */
  readonly pausesMs: readonly number[]
  readonly signal: AbortSignal
}

/** Uploads one part; the bytes must not change until the promise settles. */
export type SendPart = (partNumber: number, bytes: Buffer) => Promise<void>

/** Socket idle time-out. */
const TIMEOUT_MS = 60_000

/** Parts are numbered from 1 and may be sent concurrently. */
export function createPartSender(uploadId: string, options: PartSenderOptions): SendPart {
  const { uploads, connect, pausesMs, signal } = options
  const urls = createPartUrls((first, last) => uploads.partUrls(uploadId, first, last, signal))
  return (partNumber, bytes) =>
    retryTransient(() => put(connect, urls, { partNumber, bytes, signal }), pausesMs, signal)
}

interface Part {
  readonly partNumber: number
  readonly bytes: Buffer
  readonly signal: AbortSignal
}

async function put(connect: Connect, urls: PartUrls, { partNumber, bytes, signal }: Part): Promise<void> {
  const server = await urls.urlOf(partNumber)
  const outgoing = connect({
    server,
    path: server.pathname + server.search,
    method: 'PUT',
    headers: ['content-length', String(bytes.length)],
    signal,
  })
  outgoing.setTimeout(TIMEOUT_MS, () => outgoing.destroy(new Error('S3 takes no bytes')))
  try {
    const { status } = await exchange(outgoing, bytes)
    if (status !== 200) throw new Error(`S3 answered ${status} to part ${partNumber}`)
  } catch (error) {
    // The URL may have expired. S3 may close the connection before that answer is read.
    urls.forget(partNumber)
    throw new UnreachableError('storage', error)
  }
}

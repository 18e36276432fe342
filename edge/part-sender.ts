import { exchange } from '../src/shared/http.ts'
import { createPresignedParts } from '../src/shared/presigned-parts.ts'
import type { Connect } from './connections.ts'
import { UnreachableError } from './failures.ts'
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

/** Number of URLs per request: for 256 MiB, so that a slow client seldom gets an expired one. */
const BATCH = 16

/** Parts are numbered from 1 and may be sent concurrently. */
export function createPartSender(uploadId: string, options: PartSenderOptions): SendPart {
  const { uploads, pausesMs, signal } = options
  const parts = createPresignedParts({
    ask: (first, last) => uploads.partUrls(uploadId, first, last, signal),
    batch: BATCH,
  })
  return (partNumber, bytes) =>
    retryTransient(
      () => parts.put(partNumber, (url) => put(options, new URL(url), { partNumber, bytes })),
      pausesMs,
      signal,
    )
}

async function put(
  { connect, signal }: PartSenderOptions,
  server: URL,
  { partNumber, bytes }: { readonly partNumber: number; readonly bytes: Buffer },
): Promise<void> {
  const outgoing = connect({
    server,
    path: server.pathname + server.search,
    method: 'PUT',
    headers: ['content-length', String(bytes.length)],
    signal,
  })
  outgoing.setTimeout(TIMEOUT_MS, () => outgoing.destroy(new Error('S3 accepts no bytes')))
  try {
    const { status } = await exchange(outgoing, bytes)
    if (status !== 200) throw new Error(`S3 answered ${status} to part ${partNumber}`)
  } catch (error) {
    // S3 may close the connection before its response is read, for example for an expired URL.
    throw new UnreachableError('storage', error)
  }
}

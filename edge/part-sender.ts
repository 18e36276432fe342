import { askAgain } from './ask-again.ts'
import { answerTo, type Connect } from './connections.ts'
import { UnreachableError } from './failures.ts'
import { createPartUrls, type PartUrls } from './part-urls.ts'
import type { Uploads } from './uploads.ts'

export interface PartSenderOptions {
  readonly uploads: Pick<Uploads, 'partUrls'>
  readonly connect: Connect
  /** Between the attempts of one part. */
  readonly pausesMs: readonly number[]
  readonly signal: AbortSignal
}

/** Puts one part into the bucket; the bytes must not change until it is there. */
export type SendPart = (partNumber: number, bytes: Buffer) => Promise<void>

/** A connection on which nothing moves for so long is given up. */
const TIMEOUT_MS = 60_000

/** The sender of one upload's parts: numbered from 1, in any number at once. */
export function createPartSender(uploadId: string, options: PartSenderOptions): SendPart {
  const { uploads, connect, pausesMs, signal } = options
  const urls = createPartUrls((first, last) => uploads.partUrls(uploadId, first, last, signal))
  return (partNumber, bytes) =>
    askAgain(() => put(connect, urls, { partNumber, bytes, signal }), pausesMs, signal)
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
    const { statusCode } = (await answerTo(outgoing.end(bytes))).resume()
    if (statusCode !== 200) throw new Error(`S3 answered ${statusCode} to part ${partNumber}`)
  } catch (error) {
    // It may have expired, which S3 does not always get to say before it closes the connection.
    urls.forget(partNumber)
    throw new UnreachableError('storage', error)
  }
}

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import pMap from 'p-map'
import { md5In } from './checksum.ts'
import { getFrom } from './http.ts'
import { FinalError, withRetry } from './retry.ts'
import type { TransferSettings } from './settings.ts'
import type { Link } from './signed-url.ts'

/** An object that belongs to this run. */
export interface Download {
  /** Name in messages. */
  readonly name: string
  readonly link: Link
  readonly sizeBytes: number
}

interface Range {
  readonly start: number
  readonly length: number
}

/** The object's version in the first response; all responses must have it. */
interface Version {
  etag?: string | undefined
  md5?: string | undefined
}

/**
 * Downloads an object into a new file, several ranges in parallel. Each range resumes after a lost connection. Size
 * and, where S3 returns it, MD5 are verified. Memory: a few hundred KiB a range.
 * @throws FinalError
 */
export async function download(what: Download, path: string, settings: TransferSettings): Promise<void> {
  // `wx` fails if the file exists: two files with the same name are an error.
  const file = await open(path, 'wx')
  const version: Version = {}
  try {
    const ranges = rangesOf(what.sizeBytes, settings.rangeBytes)
    const fetchRange = (range: Range) => downloadRange(what, range, { file, version }, settings)
    await pMap(ranges, fetchRange, { concurrency: settings.atOnce })
  } finally {
    await file.close()
  }
  // Read again, because ranges arrive out of order. Multipart objects have no MD5.
  if (version.md5 !== undefined && version.md5 !== (await md5Of(path))) {
    throw new FinalError(`${what.name}: its checksum differs from that of the stored object`)
  }
}

function* rangesOf(sizeBytes: number, rangeBytes: number): Generator<Range, void, undefined> {
  for (let start = 0; start < sizeBytes; start += rangeBytes) {
    yield { start, length: Math.min(rangeBytes, sizeBytes - start) }
  }
}

async function downloadRange(
  { name, link, sizeBytes }: Download,
  { start, length }: Range,
  { file, version }: { readonly file: FileHandle; readonly version: Version },
  settings: TransferSettings,
): Promise<void> {
  let done = 0
  let url = ''
  await withRetry(
    `downloading ${name}`,
    settings,
    async () => {
      url = await link.current()
      const headers = {
        range: `bytes=${start + done}-${start + length - 1}`,
        ...(version.etag === undefined ? {} : { 'if-match': version.etag }),
      }
      const answer = await getFrom(url, headers, settings.silenceMs)
      checkRange(answer, start + done, sizeBytes)
      version.etag ??= answer.headers.etag
      version.md5 ??= md5In(answer.headers)
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        if (done + chunk.length > length)
          throw new Error('the response has more bytes than the requested range')
        await write(file, chunk, start + done)
        done += chunk.length
      }
      if (done < length) throw new Error(`the connection ended after ${done} of ${length} bytes`)
    },
    () => link.renew(url),
  )
}

/** @throws FinalError for another range than the requested one, or another size than announced */
function checkRange({ headers }: IncomingMessage, start: number, sizeBytes: number): void {
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+)$/u.exec(headers['content-range'] ?? '') ?? []
  if (Number(first) !== start) throw new FinalError('the response has another range than the requested one')
  if (Number(total) !== sizeBytes) throw new FinalError(`it has ${total} bytes instead of ${sizeBytes}`)
}

/** A write error such as a full disk is not retried. */
async function write(file: FileHandle, chunk: Buffer, position: number): Promise<void> {
  try {
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await file.write(chunk, written, chunk.length - written, position + written)
      written += bytesWritten
    }
  } catch (error) {
    throw new FinalError(`it cannot be written: ${String(error)}`, { cause: error })
  }
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

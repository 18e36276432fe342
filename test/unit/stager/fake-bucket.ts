import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { TRANSFER_SETTINGS, type TransferSettings } from '../../../stager/settings.ts'
import { createLinks, type Link } from '../../../stager/signed-url.ts'
import { aWebServer } from '../../fixtures/web-server.ts'

/** The stager's settings with small sizes and short pauses. */
export const FAST: TransferSettings = {
  ...TRANSFER_SETTINGS,
  rangeBytes: 1000,
  partsFromBytes: 3000,
  partBytes: 1000,
  firstPauseMs: 1,
  longestPauseMs: 1,
}

/** Part of every URL and, as in S3, of every error message. It must never be printed. */
export const SIGNATURE = 'signature-that-opens-the-files'

/** Changes or sends a response; `undefined` keeps the normal one. */
type Fault = (request: IncomingMessage, response: ServerResponse) => 'handled' | undefined

export interface FakeBucket {
  readonly stored: Map<string, Buffer>
  /** Method, key and range of every request, in order. */
  readonly requests: string[]
  /** Faults, each for one request, in order. */
  readonly faults: Fault[]
  /** A presigned URL that is valid until the next {@link expire}. */
  url(key: string): string
  link(key: string): Link
  expire(): void
  /** Number of requests for new URLs. */
  renewals(): number
}

/** Closes the connection after some bytes of the response body. */
export function cutAfter(bytes: number): Fault {
  return (_, response) => {
    const end = response.end.bind(response)
    response.end = ((body: Buffer) => {
      response.write(body.subarray(0, bytes), () => response.destroy())
      response.end = end
      return response
    }) as never
    return undefined
  }
}

export function answerWith(status: number, code: string): Fault {
  return (request, response) => {
    request.resume()
    response.writeHead(status).end(`<Error><Code>${code}</Code><Signed>${SIGNATURE}</Signed></Error>`)
    return 'handled'
  }
}

/** A fake of S3 that stores PUT bodies, serves ranges, and accepts only the newest URLs. */
export async function aFakeBucket(): Promise<FakeBucket> {
  let generation = 1
  let renewals = 0
  const bucket: Pick<FakeBucket, 'stored' | 'requests' | 'faults'> = {
    stored: new Map(),
    requests: [],
    faults: [],
  }
  const base = await aWebServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://bucket')
    const { range = '' } = request.headers
    bucket.requests.push([request.method, pathname, range].filter(Boolean).join(' '))
    const isOld = searchParams.get('generation') !== String(generation)
    const fault = isOld ? answerWith(403, 'AccessDenied') : bucket.faults.shift()
    if (fault?.(request, response) === 'handled') return
    if (request.method === 'PUT') await store(bucket.stored, pathname, request, response)
    else serve(bucket.stored.get(pathname), request, response)
  })
  const url = (key: string): string => `${base.origin}${key}?generation=${generation}&sign=${SIGNATURE}`
  return {
    ...bucket,
    url,
    link(key) {
      const ask = async () => new Map([[key, url(key)]])
      const renewed = async () => {
        renewals += 1
        return ask()
      }
      return createLinks(renewed, new Map([[key, url(key)]]))(key)
    },
    expire() {
      generation += 1
    },
    renewals: () => renewals,
  }
}

async function store(
  stored: Map<string, Buffer>,
  key: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const bytes = await buffer(request)
  const { 'content-length': length } = request.headers
  if (length !== String(bytes.length)) return void response.writeHead(411).end()
  stored.set(key, bytes)
  response.writeHead(200, { etag: etagOf(bytes) }).end()
}

function serve(bytes: Buffer | undefined, request: IncomingMessage, response: ServerResponse): void {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/u.exec(request.headers.range ?? '') ?? []
  if (bytes === undefined) return void response.writeHead(404).end('<Code>NoSuchKey</Code>')
  const etag = etagOf(bytes)
  if ((request.headers['if-match'] ?? etag) !== etag) return void response.writeHead(412).end()
  const part = bytes.subarray(Number(first), Number(last) + 1)
  const range = `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}`
  response.writeHead(206, { etag, 'content-range': range, 'content-length': part.length }).end(part)
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}

/** Bytes that depend on their offset. */
export function someBytes(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff))
}

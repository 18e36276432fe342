import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { DomainError } from '../contract/errors.ts'
import { quoted } from '../contract/quoted.ts'
import { MAX_UPLOAD_BYTES } from '../contract/upload-limits.ts'
import { REDIRECTS, responseTo, startRequest } from '../shared/http.ts'
import { isReservedPort, RUNTIME_API } from '../shared/outgoing-url.ts'
import { downloadFailure, requireStoreUrl, storeGaveNothing } from '../store/store.ts'
import type { BundleSource } from './bundle-source.ts'

/** Time-out until the response starts, redirects included: a client of `install` waits for it, at most 30 s. */
const RESPONSE_TIMEOUT_MS = 10_000
/** Idle time-out of the body, below the time that an import reserves for its orderly end (import/lease.ts). */
const IDLE_MS = 60_000
/** Maximum number of redirects, which ends loops; stores need far fewer. */
const MAX_REDIRECTS = 10
/** Magic bytes of every zip. */
const ZIP_START = Buffer.from('PK')

export interface FetchBundleSourceOptions {
  readonly runtimeApi?: string | undefined
  /** Maximum size of a bundle, in bytes. */
  readonly maxBytes?: number
  /** Logs the cause of a failure, which callers do not see. */
  readonly report?: (words: string, cause?: unknown) => void
}

/**
 * Downloads over http and https from any port. `fetch` would refuse ports that browsers block, decompress bodies and
 * follow redirects to other schemes. Callers name the store, so every failure before a zip arrives has one message:
 * details would let callers probe hosts and ports near the engine. Memory: the buffers of one connection.
 */
export function createFetchBundleSource(options: FetchBundleSourceOptions = {}): BundleSource {
  const { runtimeApi = RUNTIME_API, maxBytes = MAX_UPLOAD_BYTES, report = () => {} } = options
  return {
    async open(start) {
      // The error may quote the URL, because it comes from the caller.
      requireStoreUrl(start)
      requireOther(start, runtimeApi)
      try {
        const response = await follow(start, runtimeApi)
        return await bundleOf(response, maxBytes)
      } catch (error) {
        if (error instanceof BundleTooLargeError) throw tooLarge(maxBytes)
        report(reasonOf(error), error)
        throw storeGaveNothing(error)
      }
    },
  }
}

class BundleTooLargeError extends Error {
  override readonly name = 'BundleTooLargeError'
}

function tooLarge(maxBytes: number): Error {
  return downloadFailure(
    `the store's bundle has over ${maxBytes} bytes, more than an upload may have: ask the author of the task for a smaller image`,
  )
}

async function follow(start: URL, runtimeApi: string | undefined): Promise<IncomingMessage> {
  // The deadline covers only the start of the response: a body may take longer.
  const deadline = new AbortController()
  const timer = setTimeout(
    () => deadline.abort(new Error(`no response within ${RESPONSE_TIMEOUT_MS / 1000} s`)),
    RESPONSE_TIMEOUT_MS,
  )
  try {
    let url = start
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      requireStoreUrl(url)
      requireOther(url, runtimeApi)
      const response = await ask(url, deadline.signal)
      const { location } = response.headers
      if (!REDIRECTS.includes(response.statusCode ?? 0) || location === undefined) return response
      response.destroy()
      const next = URL.parse(location, url.href)
      if (next === null) throw new Error(`the store redirects to ${quoted(location)}, which is not a URL`)
      url = next
    }
    throw new Error(`more than ${MAX_REDIRECTS} redirects`)
  } finally {
    clearTimeout(timer)
  }
}

function requireOther(url: URL, runtimeApi: string | undefined): void {
  if (!isReservedPort(url, runtimeApi)) return
  throw downloadFailure(`port ${url.port} is reserved by the engine: a store must use another one`)
}

async function ask(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  const request = startRequest(url, {
    // A new connection, so that no bytes of a response remain for the next request.
    agent: false,
    headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'cytomine-app-engine' },
    timeout: IDLE_MS,
  })
  const abort = (): void => void request.destroy(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await responseTo(request.end())
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** @throws Error also when the body does not start like a zip */
async function bundleOf(response: IncomingMessage, maxBytes: number): Promise<Readable> {
  try {
    const { statusCode, headers } = response
    const encoding = headers['content-encoding'] ?? 'identity'
    if (statusCode !== 200) throw new Error(`status ${statusCode}`)
    if (encoding !== 'identity') throw new Error(`Content-Encoding ${encoding}; expected none, as requested`)
    const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    const start = await readStart(chunks)
    if (!start.subarray(0, ZIP_START.length).equals(ZIP_START)) {
      throw new Error('the response is not a zip archive')
    }
    if (Number(headers['content-length'] ?? 0) > maxBytes) throw new BundleTooLargeError()
    return Readable.from(bounded(response, start, chunks, maxBytes), { objectMode: false })
  } catch (error) {
    response.destroy()
    throw error
  }
}

async function readStart(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let start: Buffer = Buffer.alloc(0)
  while (start.length < ZIP_START.length) {
    const next = await chunks.next()
    if (next.done === true) throw new Error('the response is empty')
    start = Buffer.concat([start, next.value])
  }
  return start
}

async function* bounded(
  response: IncomingMessage,
  start: Buffer,
  chunks: AsyncIterator<Buffer>,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  let sizeBytes = 0
  try {
    for (let chunk: Buffer | undefined = start; chunk !== undefined; chunk = await read(chunks)) {
      sizeBytes += chunk.length
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes)
      yield chunk
    }
  } finally {
    response.destroy()
  }
}

async function read(chunks: AsyncIterator<Buffer>): Promise<Buffer | undefined> {
  try {
    const next = await chunks.next()
    return next.done === true ? undefined : next.value
  } catch (error) {
    throw downloadFailure('the download was interrupted: install the task again', error)
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof DomainError && error.details?.type === 'related') return error.details.description
  const { code, message } = error as NodeJS.ErrnoException
  return [code, message].filter((part) => part !== undefined && part !== '').join(': ')
}

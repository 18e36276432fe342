import type { IncomingHttpHeaders } from 'node:http'
import { addAbortSignal, PassThrough, type Readable } from 'node:stream'
import { Busboy, type BusboyConfig, type BusboyInstance } from '@fastify/busboy'
import { DomainError } from '../src/contract/errors.ts'

/** A file of a body that is still arriving. */
export interface ArrivingFile {
  readonly fileName?: string
  readonly bytes: Readable
}

export type ArrivingBody = Readable & { readonly headers: IncomingHttpHeaders }

export interface ReadOptions {
  readonly take: (file: ArrivingFile) => Promise<void>
  /** Aborted by the first failure. An abort by the caller ends the reading. */
  readonly controller: AbortController
}

/** Form fields are not read; the parser keeps one byte of each. */
const LIMITS = { headerPairs: 32, headerSize: 16 * 1024, fieldSize: 1 }

export function isMultipart({ headers }: ArrivingBody): boolean {
  return /^multipart\/form-data\b/iu.test(headers['content-type'] ?? '')
}

/**
 * Streams a multipart body (RFC 7578). `take` receives the files among the first `partCount` parts in sequence, whatever their
 * names; further parts are skipped. `take` sets the pace (backpressure). Resolves after the closing boundary, when every `take`
 * has resolved.
 * @throws DomainError when the body is truncated, has no part, or its first part is not a file; otherwise the controller's
 * reason. No `take` is running then.
 */
export async function readParts(
  request: ArrivingBody,
  partCount: number,
  { take, controller }: ReadOptions,
): Promise<void> {
  const { signal } = controller
  signal.throwIfAborted()
  const fail = (error: unknown): void => controller.abort(error)
  let seen = 0
  let taken = Promise.resolve()

  const parser = createParser(request, {
    limits: { ...LIMITS, parts: partCount },
    isPartAFile(_name, _type, fileName) {
      seen += 1
      // Fails at the head of the part, since the length of a field is unbounded.
      if (seen === 1 && fileName === undefined) fail(new DomainError('INTERNAL_NO_FILE_BUT_FORM_FIELD'))
      return fileName !== undefined
    },
  })
  parser.on('file', (_name, stream, fileName) => {
    const bytes = stopWith(signal, stream)
    taken = taken.then(() => take({ bytes, ...(fileName === '' ? {} : { fileName }) }))
    taken.catch(fail)
  })
  const parsed = Promise.withResolvers<void>()
  parser.once('finish', parsed.resolve)
  parser.on('error', (error) => {
    fail(new DomainError('INTERNAL_NOT_MULTIPART', { type: 'empty' }, { cause: error }))
  })
  signal.addEventListener('abort', () => parsed.reject(signal.reason), { once: true })

  request.pipe(parser)
  await parsed.promise.catch(() => request.unpipe(parser))
  await taken.catch(fail)
  signal.throwIfAborted()
  if (seen === 0) throw new DomainError('INTERNAL_NO_FILE_PARTS_FOUND')
}

/** Streams a body that is not multipart as one file without a name. */
export async function readWhole(
  request: ArrivingBody,
  { take, controller: { signal } }: ReadOptions,
): Promise<void> {
  const bytes = stopWith(signal, new PassThrough())
  request.pipe(bytes)
  try {
    await take({ bytes })
  } finally {
    request.unpipe(bytes)
  }
}

function createParser(request: ArrivingBody, options: Omit<BusboyConfig, 'headers'>): BusboyInstance {
  try {
    const type = request.headers['content-type'] ?? ''
    return new Busboy({ ...options, headers: { 'content-type': type } })
  } catch (error) {
    // No boundary, or one far longer than the 70 characters of RFC 2046.
    throw new DomainError('INTERNAL_NOT_MULTIPART', { type: 'empty' }, { cause: error })
  }
}

/** Makes a stream fail with the signal. The listener keeps an error without a reader from ending the process. */
function stopWith<Stream extends Readable>(signal: AbortSignal, stream: Stream): Stream {
  stream.on('error', () => undefined)
  return addAbortSignal(signal, stream)
}

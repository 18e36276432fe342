import type { IncomingHttpHeaders } from 'node:http'
import { addAbortSignal, PassThrough, type Readable } from 'node:stream'
import { Busboy, type BusboyConfig, type BusboyInstance } from '@fastify/busboy'
import { DomainError } from '../src/contract/errors.ts'

/** A file while it arrives. */
export interface ArrivingFile {
  readonly fileName?: string
  readonly bytes: Readable
}

/** A request, as far as it matters here. */
export type ArrivingBody = Readable & { readonly headers: IncomingHttpHeaders }

export interface ReadOptions {
  readonly take: (file: ArrivingFile) => Promise<void>
  /** Aborted by what goes wrong here; stops the reading when it is aborted elsewhere. */
  readonly controller: AbortController
}

/** A part's headers are a few short lines; a form field is never looked at. */
const LIMITS = { headerPairs: 32, headerSize: 16 * 1024, fieldSize: 1 }

/** Whether the body is said to be a form with files. */
export function isMultipart({ headers }: ArrivingBody): boolean {
  return /^multipart\/form-data\b/iu.test(headers['content-type'] ?? '')
}

/**
 * Reads a multipart body, RFC 7578, as it arrives: `take` gets the files among its first parts, one after the other, whatever
 * their names; further parts are skipped. The client is read no faster than `take` reads. Resolves when the closing boundary
 * was seen and everything is taken.
 * @throws DomainError when the body ends before, has no part, or its first part is no file; otherwise what aborted the
 *   controller. Nothing is being taken any more then.
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
      // Told at its head: a field may be as long as it likes.
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

/** Reads a body of any other kind, which is one file without a name. */
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
    // No boundary, or one that is longer than the 70 characters of RFC 2046 by far.
    throw new DomainError('INTERNAL_NOT_MULTIPART', { type: 'empty' }, { cause: error })
  }
}

/** The same stream, which fails when the signal is aborted; its error reaches the reader only, if there is one. */
function stopWith<Stream extends Readable>(signal: AbortSignal, stream: Stream): Stream {
  stream.on('error', () => undefined)
  return addAbortSignal(signal, stream)
}

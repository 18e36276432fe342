import { isUtf8 } from 'node:buffer'
import type { Context } from 'hono'
import type { ObjectStore } from '../../src/aws/object-store.ts'
import { DomainError } from '../../src/contract/errors.ts'
import type { StoredFile } from '../../src/inputs/array-inputs.ts'
import { openFile } from '../../src/inputs/run-files.ts'
import { MAX_ANSWER_BYTES } from '../../src/lifecycle/read-run-log.ts'
import { askedRange } from '../../src/shared/byte-range.ts'
import { answerError } from './problem.ts'

/** Maximum size of a text in a response. Longer ones are answered by a redirect, which core follows (contract http-api 2). */
export const INLINE_ANSWER_BYTES = 4 * 1024 * 1024

/** Size of one byte of text in Lambda's JSON when it is escaped as `\u0001`. */
const MAX_ESCAPE_BYTES = 6

/** Validity of a presigned URL: clients follow a redirect at once. */
const URL_SECONDS = 300

/** Headers of a response with a file. */
export interface Presentation {
  readonly contentType: string
  /** Makes the response a download: `attachment; filename="…"`, with support for `Range`. */
  readonly fileName?: string
}

/** Answers with a stored file: a small text in the body, everything else by a redirect to the bucket with the same headers. */
export async function answerFile(
  context: Context,
  deps: { readonly objects: ObjectStore },
  file: StoredFile,
  presentation: Presentation,
): Promise<Response> {
  if (file.kind === 'inline') {
    const bytes = Buffer.from(file.text)
    return answerText(context, bytes, presentation) ?? wholeText(context, bytes, presentation)
  }
  const isPerhapsText = file.kind === 'object' && file.sizeBytes <= INLINE_ANSWER_BYTES
  const text = isPerhapsText ? await readText(await openFile(deps, file)) : undefined
  const answer = text && answerText(context, text, presentation)
  return answer ?? answerRedirect(context, deps, file.key, presentation)
}

/** Redirects to the object. S3 answers `Range` requests. */
export async function answerRedirect(
  context: Context,
  { objects }: { readonly objects: ObjectStore },
  key: string,
  { contentType, fileName }: Presentation,
): Promise<Response> {
  const headers = {
    contentType,
    contentDisposition: fileName === undefined ? 'inline' : attachment(fileName),
  }
  // A presigned URL is valid for one method.
  const method = context.req.method === 'HEAD' ? 'HEAD' : 'GET'
  return context.redirect(await objects.presignRead(key, URL_SECONDS, headers, method), 302)
}

/**
 * Answers with a text in memory. A download supports the range of a `Range` header.
 * @returns undefined when the bytes are not UTF-8 or too large for a response
 */
export function answerText(
  context: Context,
  bytes: Buffer,
  presentation: Presentation,
): Response | undefined {
  const asked = presentation.fileName === undefined ? undefined : askedOf(context, bytes.byteLength)
  if (asked === undefined) return isAnswer(bytes) ? wholeText(context, bytes, presentation) : undefined
  if (asked === 'unsatisfiable') {
    context.header('content-range', `bytes */${bytes.byteLength}`)
    return answerError(context, new DomainError('RANGE_NOT_SATISFIABLE'))
  }
  const part = bytes.subarray(asked.start, asked.end)
  if (!isAnswer(part)) return undefined
  return context.body(new Uint8Array(part), 206, {
    ...headersOf(part.byteLength, presentation),
    'content-range': `bytes ${asked.start}-${asked.end - 1}/${bytes.byteLength}`,
  })
}

/** Requested range. `If-Range` never matches, because responses have no validator: the client gets the whole file (RFC 9110, 13.1.5). */
function askedOf({ req }: Context, sizeBytes: number): ReturnType<typeof askedRange> {
  const isIgnored = req.method !== 'GET' || req.header('if-range') !== undefined
  return isIgnored ? undefined : askedRange(req.header('range'), sizeBytes)
}

function wholeText(context: Context, bytes: Buffer, presentation: Presentation): Response {
  return context.body(new Uint8Array(bytes), 200, headersOf(bytes.byteLength, presentation))
}

function headersOf(sizeBytes: number, { contentType, fileName }: Presentation): Record<string, string> {
  return {
    'content-type': contentType,
    'content-length': String(sizeBytes),
    ...(fileName === undefined
      ? {}
      : { 'content-disposition': attachment(fileName), 'accept-ranges': 'bytes' }),
  }
}

/** Whether API Gateway passes these bytes on unchanged (gateway-event.ts), and they fit into Lambda's response. */
function isAnswer(bytes: Buffer): boolean {
  if (!isUtf8(bytes)) return false
  if (bytes.byteLength * MAX_ESCAPE_BYTES <= MAX_ANSWER_BYTES) return true
  return Buffer.byteLength(JSON.stringify(bytes.toString('utf8'))) <= MAX_ANSWER_BYTES
}

/**
 * Reads a small stream into memory.
 * @returns undefined at the first invalid byte when the stream is not UTF-8
 */
export async function readText(stream: AsyncIterable<Uint8Array>): Promise<Buffer | undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of stream) {
      decoder.decode(chunk, { stream: true })
      chunks.push(chunk)
    }
    decoder.decode()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return undefined
    throw error
  }
  return Buffer.concat(chunks)
}

/** Replaces every character that could end the quoted string. */
function attachment(fileName: string): string {
  return `attachment; filename="${fileName.replace(/[^\w./-]/gu, '_')}"`
}

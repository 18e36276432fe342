import * as z from 'zod'
import type { SignedParts, Upload, UploadParts } from '../lambdas/api/openapi/upload-schemas.ts'
import { exchange, startRequest } from '../src/shared/http.ts'
import { createPresignedParts } from '../src/shared/presigned-parts.ts'
import { retry } from '../src/shared/retry.ts'
import { explainError } from './explain-error.ts'
import { ForeignAnswerError, parseAnswer } from './service/answer.ts'
import { either, isAbsent, newKey, PAUSES_MS } from './service/repeating-fetch.ts'
import type { FieldsOf } from './service/schemas.ts'
import { wordsOf } from './terminal/words-of.ts'

/** A refusal that ends the upload, with the service's message. */
export class UploadRefusedError extends Error {
  override readonly name = 'UploadRefusedError'
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

/** A failure after which the upload can be resumed: the parts that have arrived are kept. */
export class UploadBrokenError extends Error {
  override readonly name = 'UploadBrokenError'
}

const uploadSchema = z.object({
  id: z.string(),
  state: z.enum(['CREATED', 'VALIDATING', 'PUSHING', 'READY', 'FAILED']),
  partSizeBytes: z.number().nullable(),
  progress: z
    .object({ layers: z.number(), layersDone: z.number(), bytes: z.number(), bytesDone: z.number() })
    .nullable(),
  task: z.object({ namespace: z.string(), version: z.string() }).nullable(),
  /** The layers that the client named, and whether the registry has them. */
  layers: z.array(z.object({ digest: z.string(), held: z.boolean() })).nullish(),
  /** Missing in responses of older services. */
  warnings: z.array(z.object({ message: z.string() })).default([]),
  error: z.unknown(),
} satisfies FieldsOf<Upload>)
const partsSchema = z.object({
  parts: z.array(z.object({ partNumber: z.number(), sizeBytes: z.number() })),
} satisfies FieldsOf<UploadParts>)
const partUrlsSchema = z.object({
  parts: z.tuple([z.object({ url: z.string() })]),
} satisfies FieldsOf<SignedParts>)

export type UploadView = z.infer<typeof uploadSchema>

/** A file to upload. */
export interface NewUpload {
  readonly purpose: 'task' | 'input'
  /** Name for display only. */
  readonly fileName: string
  /** Absent if `layers` are named, because held layers are not sent. */
  readonly sizeBytes?: number
  /** Layers of the bundle's image, as stored in the image archive. */
  readonly layers?: readonly { readonly digest: string; readonly size: number }[]
}

export interface SentPart {
  /** Number from 1. */
  readonly number: number
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Called for each piece that is sent, and with a negative number when an attempt has failed. */
  readonly onBytes?: ((count: number) => void) | undefined
}

/** Size of the pieces of a part: at 1 Mbit/s, each takes a second. */
const PIECE_BYTES = 128 * 1024

/** Sufficient for four concurrent parts of 16 MiB at 1 Mbit/s. */
const PART_TIMEOUT_MS = 600_000
/** Longer than API Gateway's limit of 29 s. */
const CALL_TIMEOUT_MS = 60_000

export interface UploadClientOptions {
  /** Calls the service, but not its storage: a signing `fetch` if the service requires credentials. */
  readonly callApi?: typeof fetch
  /** Pauses between the attempts of one call. */
  readonly pausesMs?: readonly number[]
  /** Ends all calls. */
  readonly signal?: AbortSignal | undefined
}

/** A client of the service at `baseUrl`, which ends in `/`. */
export function createUploadClient(baseUrl: string, options: UploadClientOptions = {}) {
  const calls = createCalls(baseUrl, options)
  const { call } = calls
  const parseUpload = (text: string): UploadView =>
    parseAnswer(uploadSchema, text, { base: baseUrl, path: 'uploads' })

  return {
    async create(body: NewUpload): Promise<UploadView> {
      const key = newKey()
      const attempt = () => calls.callOnce('POST', 'uploads', body, key)
      return parseUpload(await calls.until('POST uploads', attempt, { isFirst: true }))
    },

    async find(id: string): Promise<UploadView> {
      return parseUpload(await call('GET', `uploads/${id}`))
    },

    ...createPartCalls(baseUrl, calls, options.signal),

    async complete(id: string): Promise<UploadView> {
      return parseUpload(await call('POST', `uploads/${id}/complete`, {}))
    },

    async abort(id: string): Promise<void> {
      await call('DELETE', `uploads/${id}`)
    },
  }
}

/** The calls of one upload. Each is retried after a transient failure. */
export type UploadClient = ReturnType<typeof createUploadClient>

/** Calls of the service, and retries after transient failures. */
function createCalls(
  baseUrl: string,
  { callApi = fetch, pausesMs = PAUSES_MS, signal: stop }: UploadClientOptions,
) {
  async function callOnce(method: string, path: string, body?: object, headers?: object): Promise<string> {
    const answer = await callApi(new URL(path, baseUrl), {
      method,
      signal: either(AbortSignal.timeout(CALL_TIMEOUT_MS), stop),
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw refusal(`${method} ${path}`, answer, text)
    return text
  }

  function call(method: string, path: string, body?: object): Promise<string> {
    return until(`${method} ${path}`, () => callOnce(method, path, body))
  }

  function until<Result>(what: string, attempt: () => Promise<Result>, options?: AttemptOptions) {
    return untilAnswered(what, pausesMs, attempt, { signal: stop, ...options })
  }

  return { callOnce, call, until }
}

function createPartCalls(
  baseUrl: string,
  { callOnce, call, until }: ReturnType<typeof createCalls>,
  stop: AbortSignal | undefined,
) {
  async function partUrl(id: string, first: number, last: number): Promise<readonly string[]> {
    const path = `uploads/${id}/part-urls`
    const answer = await callOnce('POST', path, { first, last })
    return parseAnswer(partUrlsSchema, answer, { base: baseUrl, path }).parts.map(({ url }) => url)
  }

  return {
    /** Sizes of the parts that have arrived, by number. */
    async parts(id: string): Promise<ReadonlyMap<number, number>> {
      const path = `uploads/${id}/parts`
      const { parts } = parseAnswer(partsSchema, await call('GET', path), { base: baseUrl, path })
      return new Map(parts.map(({ partNumber, sizeBytes }) => [partNumber, sizeBytes]))
    },

    async sendPart(id: string, part: SentPart, failure: AbortSignal): Promise<void> {
      const signal = either(failure, stop)
      // One URL at a time: it is valid for minutes, and on a slow connection a part may take longer.
      const urls = createPresignedParts({ ask: (first, last) => partUrl(id, first, last), batch: 1 })
      const send = () => urls.put(part.number, (url) => putPart(url, part, signal))
      await until(`sending part ${part.number}`, send, { signal })
    },
  }
}

/** Sends a part by `node:http`, because `fetch` does not report how much of a body is sent. */
async function putPart(url: string, { bytes, onBytes }: SentPart, stop: AbortSignal): Promise<void> {
  let sentBytes = 0
  function* pieces(): Generator<Uint8Array> {
    for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
      const piece = bytes.subarray(start, start + PIECE_BYTES)
      yield piece
      sentBytes += piece.length
      onBytes?.(piece.length)
    }
  }
  try {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(PART_TIMEOUT_MS)])
    const headers = { 'content-length': String(bytes.length) }
    const { status, body } = await exchange(
      startRequest(new URL(url), { method: 'PUT', headers, signal }),
      pieces(),
    )
    if (status === 404) {
      throw new UploadRefusedError(
        'the parts that were sent have expired (kept for a day): run the command again to start over',
        404,
      )
    }
    // Any other refusal may mean that the URL has expired.
    if (status < 200 || status >= 300)
      throw new UploadBrokenError(`storage answered ${status}: ${body.toString().slice(0, 300)}`)
  } catch (error) {
    onBytes?.(-sentBytes)
    throw error
  }
}

interface AttemptOptions {
  readonly signal?: AbortSignal | undefined
  /** Whether it is the first call of an upload, which is not retried if nothing listens at the address. */
  readonly isFirst?: boolean
}

/** @throws UploadRefusedError at once, UploadBrokenError after the last attempt */
async function untilAnswered<Result>(
  what: string,
  pausesMs: readonly number[],
  attempt: () => Promise<Result>,
  { signal, isFirst = false }: AttemptOptions = {},
): Promise<Result> {
  const isRetryable = (error: unknown): boolean =>
    signal?.aborted !== true && !isRefused(error) && !(isFirst && isAbsent(error))
  try {
    return await retry(attempt, { pausesMs, isRetryable, signal })
  } catch (error) {
    signal?.throwIfAborted()
    if (isRefused(error)) throw error
    throw new UploadBrokenError(`${what}: ${wordsOf(error)}`, { cause: error })
  }
}

/** Whether an error is final: a refusal, or the response of another program than the service. */
function isRefused(error: unknown): boolean {
  return error instanceof UploadRefusedError || error instanceof ForeignAnswerError
}

/** Error for an unsuccessful response. Retryable: 5xx, 429, and 409 while a call with the same key is in progress. */
function refusal(what: string, { status, headers }: Response, text: string): Error {
  const words = explainError(text)
  const isUnderWay = status === 409 && headers.has('retry-after')
  return status >= 500 || status === 429 || isUnderWay
    ? new UploadBrokenError(`${what} was answered with ${status}: ${words}`)
    : new UploadRefusedError(words, status)
}

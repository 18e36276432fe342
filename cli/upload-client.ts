import * as z from 'zod'
import { createPresignedParts } from '../src/shared/presigned-parts.ts'
import { retry } from '../src/shared/retry.ts'
import { explainError } from './explain-error.ts'
import { isAbsent, newKey } from './service/repeating-fetch.ts'

/** An answer that the upload cannot go on after; the message says what it was. */
export class UploadRefusedError extends Error {
  override readonly name = 'UploadRefusedError'
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

/** The way to the service or to its storage failed; what has arrived is kept there. */
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
  /** Layers that were named, and whether the registry holds them. */
  layers: z.array(z.object({ digest: z.string(), held: z.boolean() })).nullish(),
  /** Absent from services before there were any. */
  warnings: z.array(z.object({ message: z.string() })).default([]),
  error: z.unknown(),
})
const partsSchema = z.object({
  parts: z.array(z.object({ partNumber: z.number(), sizeBytes: z.number() })),
})
const partUrlsSchema = z.object({ parts: z.tuple([z.object({ url: z.string() })]) })

export type UploadView = z.infer<typeof uploadSchema>

/** A file that is about to be sent. */
export interface NewUpload {
  readonly purpose: 'task' | 'input'
  /** Only shown. */
  readonly fileName: string
  /** Left out when layers are named: how much is sent depends on the answer. */
  readonly sizeBytes?: number
  /** Layers of the image in the bundle, as they lie in its archive. */
  readonly layers?: readonly { readonly digest: string; readonly size: number }[]
}

export interface SentPart {
  /** From 1. */
  readonly number: number
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Between attempts; half a minute in all. */
const PAUSES_MS = [1000, 2000, 4000, 8000, 16_000]

/** Four parts of 16 MiB in ten minutes are 1 Mbit/s. */
const PART_TIMEOUT_MS = 600_000
/** API Gateway gives up after 29 s. */
const CALL_TIMEOUT_MS = 60_000

export interface UploadClientOptions {
  /** Calls the service, never its storage: one that signs where the service asks for credentials. */
  readonly callApi?: typeof fetch
  /** Between the attempts of one call. */
  readonly pausesMs?: readonly number[]
}

/** A client of the service at `baseUrl`, which ends in `/`. */
export function createUploadClient(
  baseUrl: string,
  { callApi = fetch, pausesMs = PAUSES_MS }: UploadClientOptions = {},
) {
  async function callOnce(method: string, path: string, body?: object, headers?: object): Promise<unknown> {
    const answer = await callApi(new URL(path, baseUrl), {
      method,
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw refusal(`${method} ${path}`, answer, text)
    return text === '' ? undefined : JSON.parse(text)
  }

  function call(method: string, path: string, body?: object): Promise<unknown> {
    return untilAnswered(`${method} ${path}`, pausesMs, () => callOnce(method, path, body))
  }

  async function partUrl(id: string, first: number, last: number): Promise<readonly string[]> {
    const answer = await callOnce('POST', `uploads/${id}/part-urls`, { first, last })
    return partUrlsSchema.parse(answer).parts.map(({ url }) => url)
  }

  async function putPart(url: string, bytes: SentPart['bytes'], signal: AbortSignal): Promise<void> {
    const answer = await fetch(url, {
      method: 'PUT',
      body: bytes,
      signal: AbortSignal.any([signal, AbortSignal.timeout(PART_TIMEOUT_MS)]),
    })
    const text = await answer.text()
    if (answer.status === 404) {
      throw new UploadRefusedError(
        'what had arrived is gone, it is kept for a day: call again to begin anew',
        404,
      )
    }
    // Any other refusal may mean that the URL has expired.
    if (!answer.ok) throw new UploadBrokenError(`storage answered ${answer.status}: ${text.slice(0, 300)}`)
  }

  return {
    async create(body: NewUpload): Promise<UploadView> {
      const key = newKey()
      const attempt = () => callOnce('POST', 'uploads', body, key)
      return uploadSchema.parse(await untilAnswered('POST uploads', pausesMs, attempt, { isFirst: true }))
    },

    async find(id: string): Promise<UploadView> {
      return uploadSchema.parse(await call('GET', `uploads/${id}`))
    },

    /** Sizes of the parts that have arrived, by number. */
    async parts(id: string): Promise<ReadonlyMap<number, number>> {
      const { parts } = partsSchema.parse(await call('GET', `uploads/${id}/parts`))
      return new Map(parts.map(({ partNumber, sizeBytes }) => [partNumber, sizeBytes]))
    },

    async sendPart(id: string, { number, bytes }: SentPart, signal: AbortSignal): Promise<void> {
      // One URL at a time: it lives for minutes, and a slow line may take longer.
      const urls = createPresignedParts({ ask: (first, last) => partUrl(id, first, last), batch: 1 })
      const send = () => urls.put(number, (url) => putPart(url, bytes, signal))
      await untilAnswered(`sending part ${number}`, pausesMs, send, { signal })
    },

    async complete(id: string): Promise<UploadView> {
      return uploadSchema.parse(await call('POST', `uploads/${id}/complete`, {}))
    },

    async abort(id: string): Promise<void> {
      await call('DELETE', `uploads/${id}`)
    },
  }
}

/** The calls of one upload. Each is repeated while it fails for a reason that may pass. */
export type UploadClient = ReturnType<typeof createUploadClient>

interface AttemptOptions {
  readonly signal?: AbortSignal
  /** Whether it is the first call of an upload: a service that is not there is reported at once. */
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
    !(error instanceof UploadRefusedError) && !(isFirst && isAbsent(error))
  try {
    return await retry(attempt, { pausesMs, isRetryable, signal })
  } catch (error) {
    if (error instanceof UploadRefusedError) throw error
    throw new UploadBrokenError(`${what}: ${wordsOf(error)}`, { cause: error })
  }
}

/** A failure of the service or of a gateway passes, unlike a refusal; as does a call with the same key that is under way. */
function refusal(what: string, { status, headers }: Response, text: string): Error {
  const words = explainError(text)
  const isUnderWay = status === 409 && headers.has('retry-after')
  return status >= 500 || status === 429 || isUnderWay
    ? new UploadBrokenError(`${what} was answered with ${status}: ${words}`)
    : new UploadRefusedError(words, status)
}

/** fetch hides the reason in the cause. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message
}

import { createHash } from 'node:crypto'
import type { Context } from 'hono'
import { logger } from '../../src/aws/observability.ts'
import { DomainError } from '../../src/contract/errors.ts'
import {
  CONTENT_DIGEST_HEADER,
  IDEMPOTENCY_KEY,
  IDEMPOTENCY_KEY_HEADER,
  MAX_STORED_ANSWER_BYTES,
  REPLAYED_HEADER,
} from '../../src/contract/idempotency.ts'
import type {
  HeldKey,
  IdempotencyRepository,
  StoredAnswer,
} from '../../src/idempotency/idempotency-repository.ts'
import { isMultipart } from './multipart.ts'
import { answerError } from './problem.ts'
import { callerOf } from './request-context.ts'
import type { OperationId, ROUTES } from './route-table.ts'

type PostOperation = {
  [Id in OperationId]: (typeof ROUTES)[Id] extends `POST ${string}` ? Id : never
}[OperationId]

/** Whether a repeated POST would create a second resource. Only these operations take a key; others ignore the header. */
const CREATES: Readonly<Record<PostOperation, boolean>> = {
  uploadTask: true,
  installTask: true,
  createRunById: true,
  createRunByName: true,
  createUpload: true,
  createStore: true,
  rerun: true,
  createRunSet: true,
  retryRunSet: true,
  createWebhook: true,
  cancelRunSet: false,
  signUploadParts: false,
  completeUpload: false,
  stageOutputs: false,
  beginOutputParts: false,
  signOutputParts: false,
  completeOutputParts: false,
  reportStage: false,
  provisionInputFile: false,
  provisionInputItemFile: false,
  changeRunState: false,
  postOutputs: false,
}

/** Whether an operation takes an `Idempotency-Key`. */
export function takesKey(id: OperationId): boolean {
  return id in CREATES && CREATES[id as PostOperation]
}

/** `Retry-After` in seconds while the first call with the key is in progress. */
const RETRY_AFTER_SECONDS = 5

const DIGEST = /^sha256:[0-9a-f]{64}$/u

/** Headers that are stored with the response; the others are set for each call. */
const STORED_HEADERS = ['content-type', 'location'] as const

/** Handler of one operation. */
export type Handle = (context: Context) => Response | Promise<Response>

/**
 * Makes a handler repeatable by `Idempotency-Key` (ADR 24). Only successes are stored: a refusal changes nothing, so it releases
 * the key, and so does a failure. Without the header, the handler is called directly.
 */
export function idempotent(keys: IdempotencyRepository, handle: Handle): Handle {
  return async (context) => {
    const key = context.req.header(IDEMPOTENCY_KEY_HEADER)
    if (key === undefined) return handle(context)
    if (!IDEMPOTENCY_KEY.test(key)) throw new DomainError('IDEMPOTENCY_KEY_INVALID')
    const caller = callerOf(context)
    const fingerprint = await fingerprintOf(context)
    const claim = await keys.claim({ key, fingerprint, ...(caller !== undefined && { caller }) })
    if (claim.kind === 'answered') return replay(claim.answer)
    if (claim.kind === 'other-request') throw new DomainError('IDEMPOTENCY_KEY_REUSED')
    if (claim.kind === 'under-way') {
      context.header('retry-after', String(RETRY_AFTER_SECONDS))
      return answerError(context, new DomainError('IDEMPOTENCY_KEY_IN_USE'))
    }
    const answer = await answerOf(context, handle)
    // The call has taken effect, although its response could not be stored: a repetition after the lease may have the effect
    // again.
    await settle(keys, claim.held, context, answer).catch((error: unknown) =>
      logger.error('idempotency key not settled', { error: error as Error }),
    )
    return answer
  }
}

async function answerOf(context: Context, handle: Handle): Promise<Response> {
  try {
    return await handle(context)
  } catch (error) {
    return answerError(context, error)
  }
}

async function settle(
  keys: IdempotencyRepository,
  held: HeldKey,
  context: Context,
  answer: Response,
): Promise<void> {
  if (!answer.ok || isPolled(context, answer)) return keys.release(held)
  const body = await answer.clone().text()
  if (Buffer.byteLength(body) > MAX_STORED_ANSWER_BYTES) {
    logger.warn('response too large to be stored for its idempotency key')
    return keys.release(held)
  }
  const headers = Object.fromEntries(
    STORED_HEADERS.flatMap((name) => {
      const value = answer.headers.get(name)
      return value === null ? [] : [[name, value] as const]
    }),
  )
  await keys.complete(held, { status: answer.status, headers, body })
}

/**
 * Whether the client polls an import by repeating the call with the upload's id. A stored 202 would be the response for a day.
 */
function isPolled(context: Context, { status }: Response): boolean {
  const namesUpload = !isMultipart(context) && contentDigestOf(context) === undefined
  return status === 202 && namesUpload && context.req.path.endsWith('/tasks')
}

function replay({ status, headers, body }: StoredAnswer): Response {
  const answer = new Response(body === '' ? null : body, { status, headers })
  answer.headers.set(REPLAYED_HEADER, 'true')
  return answer
}

/**
 * Digest of method, path, query and content. The content of a multipart body is its first file, because clients use a new
 * boundary for each call. For a file that the edge sent as an upload, the edge provides the digest.
 */
async function fingerprintOf(context: Context): Promise<string> {
  const { method, path, url } = context.req
  const content = contentDigestOf(context) ?? digestOf(await contentOf(context))
  return digestOf(JSON.stringify([method, path, new URL(url).search, content]))
}

function contentDigestOf({ req }: Context): string | undefined {
  const digest = req.header(CONTENT_DIGEST_HEADER)
  return digest !== undefined && DIGEST.test(digest) ? digest : undefined
}

/** Buffers the body, which Lambda limits to 6 MB, in addition to the handler's copy. */
async function contentOf(context: Context): Promise<Uint8Array> {
  if (!isMultipart(context)) return new Uint8Array(await context.req.arrayBuffer())
  const bytes = await context.req.raw.clone().arrayBuffer()
  const headers = { 'content-type': context.req.header('content-type') ?? '' }
  // The handler refuses a malformed body.
  const form = await new Response(bytes, { headers }).formData().catch(() => new FormData())
  const [first] = [...form.values()]
  return new Uint8Array(first instanceof File ? await first.arrayBuffer() : bytes)
}

function digestOf(content: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

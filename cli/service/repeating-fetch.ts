import { randomUUID } from 'node:crypto'
import { IDEMPOTENCY_KEY_HEADER } from '../../src/contract/idempotency.ts'
import { pause } from '../../src/shared/pause.ts'

/** Time limit for the headers of a response; API Gateway's is 29 s. A body may take hours, and fails after 300 s without data. */
const CALL_TIMEOUT_MS = 60_000

/** Pauses between attempts, 63 s in all: the key of a call that was killed is free after `KEY_LEASE_SECONDS`. */
export const PAUSES_MS: readonly number[] = [1000, 2000, 4000, 8000, 16_000, 32_000]
/** Limit for the pause that a `Retry-After` asks for. */
const MAX_PAUSE_MS = 30_000

/** Transient statuses, of overloaded or restarting gateways and services. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504])
/** Status that, with `Retry-After`, means that a call with the same key is in progress. Other conflicts lack the header. */
const CONFLICT = 409

/** Codes of lost connections and of time-outs. */
const LOST: ReadonlySet<string> = new Set([
  ...['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH'],
  ...['UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'],
])
/** Codes of an address at which nothing listens. Retried only if the service has responded before, since the address may be wrong. */
const ABSENT: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND'])

class LateAnswerError extends Error {
  override readonly name = 'LateAnswerError'
}

/** New idempotency key as a header: a repeated call with the same key creates nothing more (ADR 24). */
export function newKey(): Readonly<Record<string, string>> {
  return { [IDEMPOTENCY_KEY_HEADER]: randomUUID() }
}

/**
 * A `fetch` that retries after a lost connection or a transient status: every method but POST, and a POST with an idempotency key. A JSON
 * response is read completely within the attempt, so that a loss of the connection in its body is retried too.
 * @param pausesMs one for each retry
 */
export function createRepeatingFetch(
  callApi: typeof fetch,
  pausesMs: readonly number[] = PAUSES_MS,
): typeof fetch {
  let hasAnswered = false
  const isPassing = (error: unknown): boolean => {
    const code = codeOf(error)
    return error instanceof LateAnswerError || LOST.has(code) || (hasAnswered && ABSENT.has(code))
  }
  return async (target, init = {}) => {
    const attempt = async (): Promise<Response> => {
      const answer = await callOnce(callApi, target, init)
      hasAnswered = true
      return answer
    }
    if (!isRepeatable(init)) return attempt()
    for (const pauseMs of pausesMs) {
      let asked = 0
      try {
        const answer = await attempt()
        if (!isWorthRepeating(answer)) return answer
        asked = retryAfterMs(answer)
        await answer.body?.cancel()
      } catch (error) {
        init.signal?.throwIfAborted()
        if (!isPassing(error)) throw error
      }
      await pause(Math.max(pauseMs, asked), init.signal ?? undefined)
    }
    return attempt()
  }
}

function isRepeatable({ method = 'GET', headers }: RequestInit): boolean {
  return method !== 'POST' || new Headers(headers).has(IDEMPOTENCY_KEY_HEADER)
}

function isWorthRepeating({ status, headers }: Response): boolean {
  return PASSING_STATUSES.has(status) || (status === CONFLICT && headers.has('retry-after'))
}

function retryAfterMs({ headers }: Response): number {
  const seconds = Number(headers.get('retry-after') ?? 0)
  return Number.isFinite(seconds) ? Math.min(seconds * 1000, MAX_PAUSE_MS) : 0
}

async function callOnce(
  callApi: typeof fetch,
  target: Parameters<typeof fetch>[0],
  init: RequestInit,
): Promise<Response> {
  const controller = new AbortController()
  const late = new LateAnswerError(`no response within ${CALL_TIMEOUT_MS / 1000} s`)
  const timer = setTimeout(() => controller.abort(late), CALL_TIMEOUT_MS)
  try {
    const answer = await callApi(target, { ...init, signal: either(controller.signal, init.signal) })
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true
    if (!isJson) return answer
    clearTimeout(timer)
    const { status, headers } = answer
    return new Response(await answer.text(), { status, headers })
  } finally {
    clearTimeout(timer)
  }
}

/** Signal that is aborted with the first of two. */
export function either(one: AbortSignal, other: AbortSignal | null | undefined): AbortSignal {
  return other ? AbortSignal.any([one, other]) : one
}

/** Whether nothing listens at the address. */
export function isAbsent(error: unknown): boolean {
  return ABSENT.has(codeOf(error))
}

/** Code of an error or its cause: errors of `fetch` have it in the cause. */
function codeOf(error: unknown): string {
  for (let one = error; one instanceof Error; one = one.cause) {
    const { code } = one as NodeJS.ErrnoException
    if (typeof code === 'string') return code
  }
  return ''
}

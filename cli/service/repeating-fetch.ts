import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { IDEMPOTENCY_KEY_HEADER } from '../../src/contract/idempotency.ts'

/** Until the head of an answer: API Gateway gives up after 29 s. A body may take hours, and fails when nothing comes for 300 s. */
const CALL_TIMEOUT_MS = 60_000

/** Between attempts; half a minute in all. */
const PAUSES_MS = [1000, 2000, 4000, 8000, 16_000]
/** Longest pause that an answer may ask for. */
const MAX_PAUSE_MS = 30_000

/** Statuses of overloaded or restarting gateways and services. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504])
/** A call with the same key is under way; other conflicts have no `Retry-After`. */
const CONFLICT = 409

/** Codes of connections that broke, or were not made in time. */
const LOST: ReadonlySet<string> = new Set([
  ...['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH'],
  ...['UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'],
])
/** Codes of an address where nothing listens: a mistake, unless the service has answered before. */
const ABSENT: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND'])

class LateAnswerError extends Error {
  override readonly name = 'LateAnswerError'
}

/** Header of a call that creates something. A repetition with the same key creates nothing more (ADR 24). */
export function newKey(): Readonly<Record<string, string>> {
  return { [IDEMPOTENCY_KEY_HEADER]: randomUUID() }
}

/**
 * A `fetch` that repeats what may be repeated (every method but POST, and a POST with an idempotency key) when the connection is lost or the
 * service is away for the moment. An answer in JSON is read whole by the attempt, so that one that breaks off is repeated too.
 * @param pausesMs one for each repetition
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
        if (!isPassing(error)) throw error
      }
      await wait(Math.max(pauseMs, asked))
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
  const late = new LateAnswerError(`no answer came in ${CALL_TIMEOUT_MS / 1000} s`)
  const timer = setTimeout(() => controller.abort(late), CALL_TIMEOUT_MS)
  try {
    const answer = await callApi(target, { ...init, signal: controller.signal })
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true
    if (!isJson) return answer
    clearTimeout(timer)
    const { status, headers } = answer
    return new Response(await answer.text(), { status, headers })
  } finally {
    clearTimeout(timer)
  }
}

/** Whether an error says that nothing listens at the address. */
export function isAbsent(error: unknown): boolean {
  return ABSENT.has(codeOf(error))
}

/** fetch hides the reason in the cause. */
function codeOf(error: unknown): string {
  for (let one = error; one instanceof Error; one = one.cause) {
    const { code } = one as NodeJS.ErrnoException
    if (typeof code === 'string') return code
  }
  return ''
}

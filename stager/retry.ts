import { backoff, retry } from '../src/shared/retry.ts'
import type { TransferSettings } from './settings.ts'

/** A failure that retries cannot fix. */
export class FinalError extends Error {
  override readonly name = 'FinalError'
}

/**
 * Error for a response whose status is not a success. The message omits S3's text, which repeats the URL's signature.
 */
export class StatusError extends Error {
  override readonly name = 'StatusError'
  readonly status: number
  /** Error code of S3 or the App Engine. */
  readonly code: string | undefined

  constructor(status: number, code: string | undefined, words = '') {
    super([`HTTP ${status}`, code, words].filter(Boolean).join(' '))
    this.status = status
    this.code = code
  }

  /** A presigned URL expires at its time, or with the session that signed it. */
  get isExpired(): boolean {
    return this.status === 403 || this.code === 'ExpiredToken'
  }

  get isTransient(): boolean {
    const { status, code } = this
    return status >= 500 || status === 408 || status === 429 || code === 'RequestTimeout'
  }
}

export type RetrySettings = Pick<TransferSettings, 'attempts' | 'firstPauseMs' | 'longestPauseMs'>

/**
 * Retries a call after transient errors (network, 408, 429, 5xx) or an expired URL, for about half a minute with the stager's settings.
 * @param what name of the call in messages, without its URL
 * @param renew requests a new URL; called after an expired one and before the last attempt
 * @throws FinalError with the last error
 */
export async function withRetry<T>(
  what: string,
  settings: RetrySettings,
  call: () => Promise<T>,
  renew?: () => Promise<void>,
): Promise<T> {
  const { attempts, firstPauseMs, longestPauseMs } = settings
  let attempt = 0
  let isExpired = false
  const attemptOnce = async (): Promise<T> => {
    attempt += 1
    // The URL is renewed before the last attempt too, since some servers close the connection instead of refusing an
    // expired URL.
    if (isExpired || (attempt > 1 && attempt === attempts)) await renew?.()
    return call()
  }
  const isRetryable = (error: unknown): boolean => {
    isExpired = error instanceof StatusError && error.isExpired
    return isTransient(error) || (isExpired && renew !== undefined)
  }
  const pausesMs = backoff({
    retries: attempts - 1,
    firstMs: firstPauseMs,
    longestMs: longestPauseMs,
    hasJitter: true,
  })
  return retry(attemptOnce, { pausesMs, isRetryable }).catch((error: unknown) => {
    throw new FinalError(`${what}: ${wordsOf(error)}`, { cause: error })
  })
}

function isTransient(error: unknown): boolean {
  if (error instanceof FinalError) return false
  return error instanceof StatusError ? error.isTransient : true
}

/** Message of an error; `fetch` puts the reason into the cause. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message === 'fetch failed' && error.cause instanceof Error
    ? error.cause.message
    : error.message
}

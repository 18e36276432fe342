import { setTimeout as pause } from 'node:timers/promises'
import type { TransferSettings } from './settings.ts'

/** What will not change by trying again. */
export class FinalError extends Error {
  override readonly name = 'FinalError'
}

/** An answer other than success. Its text stays out of the message: S3's repeats the signature, which opens the run's files. */
export class StatusError extends Error {
  override readonly name = 'StatusError'
  readonly status: number
  /** S3's or the App Engine's own word for it. */
  readonly code: string | undefined

  constructor(status: number, code: string | undefined, words = '') {
    super([`HTTP ${status}`, code, words].filter(Boolean).join(' '))
    this.status = status
    this.code = code
  }

  /** A presigned URL dies with its time, or with the session that signed it. */
  get isExpired(): boolean {
    return this.status === 403 || this.code === 'ExpiredToken'
  }

  get mayPass(): boolean {
    const { status, code } = this
    return status >= 500 || status === 408 || status === 429 || code === 'RequestTimeout'
  }
}

export type RetrySettings = Pick<TransferSettings, 'attempts' | 'firstPauseMs' | 'longestPauseMs'>

/**
 * A call that may be repeated, repeated while the other side is away (network, 408, 429, 5xx) or a URL has expired; with the
 * stager's settings for about half a minute.
 * @param what it does, in words; no URL
 * @param renew gets a fresh URL
 * @throws FinalError with the last problem
 */
export async function withRetry<T>(
  what: string,
  settings: RetrySettings,
  call: () => Promise<T>,
  renew?: () => Promise<void>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call()
    } catch (error) {
      if (attempt === settings.attempts || !isWorthRepeating(error, renew !== undefined)) {
        throw new FinalError(`${what}: ${wordsOf(error)}`, { cause: error })
      }
      const longest = Math.min(settings.longestPauseMs, settings.firstPauseMs * 2 ** (attempt - 1))
      await pause(longest * (0.5 + Math.random() / 2))
      // The last chance before the end also for a server that cut the connection instead of saying that the URL is too old.
      const isLast = attempt === settings.attempts - 1
      if (isLast || (error instanceof StatusError && error.isExpired)) await renew?.()
    }
  }
}

function isWorthRepeating(error: unknown, canRenew: boolean): boolean {
  if (error instanceof FinalError) return false
  if (error instanceof StatusError) return error.mayPass || (canRenew && error.isExpired)
  return true
}

/** Of a failed fetch the cause tells more. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message === 'fetch failed' && error.cause instanceof Error
    ? error.cause.message
    : error.message
}

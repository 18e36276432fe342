import type { Readable } from 'node:stream'
import { DomainError } from '../src/contract/errors.ts'
import { FREE_BYTES } from './limits.ts'

const PIECE_BYTES = 64 * 1024
/** Steep: the smaller ones lie around until their collection. */
const GROWTH = 4

export interface ReadAheadOptions {
  readonly limitBytes: number
  /** Asked when more than what was allowed is at hand, {@link FREE_BYTES} at first. Gives the bytes that may be read from now on. */
  readonly reserve: (neededBytes: number) => Promise<number>
  readonly signal: AbortSignal
}

/**
 * The whole body when it has at most `limitBytes`. Otherwise undefined, and what was read is put back: the stream begins
 * where it did. Copies, since a client may send its bytes one by one and each would cost a hundred.
 * @throws the stream's error when it breaks off, that of the reservation, or what aborted the signal
 */
export function readAhead(
  body: Readable,
  { limitBytes, reserve, signal }: ReadAheadOptions,
): Promise<Buffer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>()
  let held = Buffer.allocUnsafeSlow(Math.min(FREE_BYTES, limitBytes))
  let length = 0
  let allowed = FREE_BYTES
  let isSettled = false

  function settle(act: () => void): void {
    if (isSettled) return
    isSettled = true
    body.off('data', onData).off('end', onEnd).off('error', fail).off('close', onClose)
    signal.removeEventListener('abort', onAbort)
    // What comes from now on stays in the stream, for the next reader.
    body.pause()
    act()
  }
  const fail = (error: unknown): void => settle(() => reject(error))
  const onAbort = (): void => fail(signal.reason)
  const onEnd = (): void => settle(() => resolve(held.subarray(0, length)))
  const onClose = (): void => fail(new Error('the body broke off'))

  function take(chunk: Buffer): void {
    const needed = length + chunk.length
    if (needed > limitBytes) {
      settle(() => {
        putBack(body, held.subarray(0, length), chunk)
        resolve(undefined)
      })
      return
    }
    if (needed > held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(limitBytes, Math.max(GROWTH * held.length, needed)))
      held.copy(larger, 0, 0, length)
      held = larger
    }
    length += chunk.copy(held, length)
  }

  function onData(chunk: Buffer): void {
    const needed = length + chunk.length
    if (needed <= allowed || allowed >= limitBytes) {
      take(chunk)
      return
    }
    body.pause()
    // Put back at once: a stream whose last chunk was read would end although it is paused.
    body.unshift(chunk)
    reserve(needed).then((bytes) => {
      allowed = bytes
      if (!isSettled) body.resume()
    }, fail)
  }

  if (signal.aborted) return Promise.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  body.on('end', onEnd).on('error', fail).on('close', onClose).on('data', onData)
  return promise
}

/** In small pieces again: whoever reads may copy what lies ready at once. */
function putBack(body: Readable, held: Buffer, last: Buffer): void {
  body.unshift(last)
  for (let end = held.length; end > 0; end -= PIECE_BYTES) {
    body.unshift(held.subarray(Math.max(0, end - PIECE_BYTES), end))
  }
}

/**
 * Reads a body to its end and keeps nothing of it.
 * @throws DomainError when it is longer than the limit; otherwise as {@link readAhead}
 */
export async function discardBody(body: Readable, limitBytes: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let length = 0
  const onData = (chunk: Buffer): void => {
    length += chunk.length
    if (length <= limitBytes) return
    const text = `the body is larger than ${limitBytes} bytes, and its method takes none: leave it out`
    reject(new DomainError('INTERNAL_MAX_UPLOAD_SIZE_EXCEEDED', { type: 'empty' }, { text }))
  }
  const onAbort = (): void => reject(signal.reason)
  const onClose = (): void => reject(new Error('the body broke off'))
  signal.throwIfAborted()
  signal.addEventListener('abort', onAbort, { once: true })
  body.on('data', onData).on('end', resolve).on('error', reject).on('close', onClose)
  try {
    await promise
  } finally {
    body.off('data', onData).off('end', resolve).off('error', reject).off('close', onClose)
    signal.removeEventListener('abort', onAbort)
  }
}

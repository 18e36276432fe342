import type { Readable } from 'node:stream'
import { DomainError } from '../src/contract/errors.ts'
import { FREE_BYTES } from './limits.ts'

const PIECE_BYTES = 64 * 1024
/** Growth factor of the buffer; large, because outgrown buffers stay in memory until they are garbage-collected. */
const GROWTH = 4

export interface ReadAheadOptions {
  readonly limitBytes: number
  /** Called when the body exceeds the allowed bytes, which start at {@link FREE_BYTES}. Resolves with the new limit. */
  readonly reserve: (neededBytes: number) => Promise<number>
  readonly signal: AbortSignal
}

/**
 * Reads a whole body of at most `limitBytes`. For a larger one, returns undefined and puts back the bytes, so that the
 * stream starts at its first byte again. Copies the chunks, because a chunk of one byte may retain a buffer of several
 * hundred.
 * @throws the stream's error, the reservation's error, or the signal's reason
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
    // Later chunks stay in the stream for the next reader.
    body.pause()
    act()
  }
  const fail = (error: unknown): void => settle(() => reject(error))
  const onAbort = (): void => fail(signal.reason)
  const onEnd = (): void => settle(() => resolve(held.subarray(0, length)))
  const onClose = (): void => fail(new Error('the body ended early'))

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
      held = enlarged(held, Math.min(limitBytes, Math.max(GROWTH * held.length, needed)))
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
    // Put back synchronously: a stream whose last chunk was read ends even while it is paused.
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

function enlarged(bytes: Buffer, capacity: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(capacity)
  bytes.copy(larger)
  return larger
}

/** Puts the bytes back in pieces, since a reader may copy a whole chunk. */
function putBack(body: Readable, held: Buffer, last: Buffer): void {
  body.unshift(last)
  for (let end = held.length; end > 0; end -= PIECE_BYTES) {
    body.unshift(held.subarray(Math.max(0, end - PIECE_BYTES), end))
  }
}

/**
 * Reads and drops a body.
 * @throws DomainError for a body above the limit; otherwise as {@link readAhead}
 */
export async function discardBody(body: Readable, limitBytes: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let length = 0
  const onData = (chunk: Buffer): void => {
    length += chunk.length
    if (length <= limitBytes) return
    const text = `the body is larger than ${limitBytes} bytes, and its method allows none: leave it out`
    reject(new DomainError('INTERNAL_MAX_UPLOAD_SIZE_EXCEEDED', { type: 'empty' }, { text }))
  }
  const onAbort = (): void => reject(signal.reason)
  const onClose = (): void => reject(new Error('the body ended early'))
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

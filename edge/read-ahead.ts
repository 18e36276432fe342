import type { Readable } from 'node:stream'
import { DomainError } from '../src/domain/errors.ts'

const FIRST_BUFFER_BYTES = 64 * 1024
const PIECE_BYTES = 64 * 1024
/** Steep: the smaller ones lie around until their collection. */
const GROWTH = 4

/**
 * The whole body when it has at most `limitBytes`. Otherwise undefined, and what was read is put back: the stream begins
 * where it did. Copies, since a client may send its bytes one by one and each would cost a hundred.
 * @throws the stream's error, when it breaks off
 */
export async function readSmallBody(body: Readable, limitBytes: number): Promise<Buffer | undefined> {
  let held = Buffer.allocUnsafeSlow(Math.min(FIRST_BUFFER_BYTES, limitBytes))
  let length = 0
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const needed = length + chunk.length
    if (needed > limitBytes) {
      putBack(body, held.subarray(0, length), chunk)
      return undefined
    }
    if (needed > held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(limitBytes, Math.max(GROWTH * held.length, needed)))
      held.copy(larger, 0, 0, length)
      held = larger
    }
    length += chunk.copy(held, length)
  }
  return held.subarray(0, length)
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
 * @throws DomainError when it is longer than the limit
 */
export async function discardBody(body: Readable, limitBytes: number): Promise<void> {
  let length = 0
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > limitBytes) {
      const text = `the body is larger than ${limitBytes} bytes, and its method takes none: leave it out`
      throw new DomainError('INTERNAL_MAX_UPLOAD_SIZE_EXCEEDED', { type: 'empty' }, { text })
    }
  }
}

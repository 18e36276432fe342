import { setImmediate } from 'node:timers/promises'
import { DecodeError } from './decode-error.ts'

/** Synchronous decompressor of one entry. */
export interface EntryDecoder {
  /** Decodes as much as the input allows. @throws DecodeError */
  push(bytes: Uint8Array, isLast: boolean): Generator<Uint8Array, void, undefined>
  /** The end of the content was reached. */
  readonly isDone: boolean
  /** Input bytes after the end of the content. */
  readonly unusedBytes: number
}

/** Output after which the decoder yields to the event loop: at most 100 ms of work. */
const TURN_BYTES = 2 * 1024 * 1024

/**
 * Decodes an entry as a stream.
 * @throws DecodeError also when the input is cut short or continues after the end
 */
export async function* decodeEntry(
  decoder: EntryDecoder,
  input: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let turnBytes = 0
  let unusedBytes = 0
  async function* turns(pieces: Iterable<Uint8Array>) {
    for (const piece of pieces) {
      yield piece
      turnBytes += piece.length
      if (turnBytes < TURN_BYTES) continue
      turnBytes = 0
      await setImmediate()
    }
  }
  for await (const bytes of input) {
    if (decoder.isDone) unusedBytes += bytes.length
    else yield* turns(decoder.push(bytes, false))
  }
  if (!decoder.isDone) yield* turns(decoder.push(new Uint8Array(0), true))
  if (!decoder.isDone) throw new DecodeError('it is cut short')
  unusedBytes += decoder.unusedBytes
  if (unusedBytes > 0) throw new DecodeError(`it has ${unusedBytes} bytes after the end of its content`)
}

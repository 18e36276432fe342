import type { Readable } from 'node:stream'
import type { ByteSource } from '../../shared/byte-source.ts'
import { ZipFormatError } from '../zip/zip-format-error.ts'

/** Maximum number of bytes to skip; for more, another request is cheaper. */
const MAX_SKIP_BYTES = 1024 * 1024

/**
 * Reads pieces of a source in ascending order from one request. A piece before the current position, or far after it, is read by another
 * request. Calls must not overlap in time. Memory: the chunks of the current piece.
 */
export class ForwardReader {
  readonly #source: ByteSource
  readonly #end: number
  #stream: Readable | undefined
  #chunks: AsyncIterator<Uint8Array<ArrayBuffer>> | undefined
  #ahead: Buffer = Buffer.alloc(0)
  /** Offset of `#ahead` in the source. */
  #position = 0

  constructor(source: ByteSource, end: number) {
    this.#source = source
    this.#end = end
  }

  /** Returns bytes without consuming them. */
  async peek(start: number, length: number): Promise<Buffer> {
    if (length < 0 || start + length > this.#end) throw cutShort()
    const isNear = start >= this.#position && start <= this.#position + this.#ahead.length + MAX_SKIP_BYTES
    if (this.#chunks === undefined || !isNear) await this.#open(start)
    while (this.#position + this.#ahead.length < start) {
      this.#position += this.#ahead.length
      this.#ahead = await this.#next()
    }
    this.#ahead = this.#ahead.subarray(start - this.#position)
    this.#position = start
    if (this.#ahead.length < length) await this.#fill(length)
    return this.#ahead.subarray(0, length)
  }

  /** Returns and consumes bytes. */
  async read(start: number, length: number): Promise<Buffer> {
    const bytes = await this.peek(start, length)
    this.#ahead = this.#ahead.subarray(length)
    this.#position = start + length
    // Nothing remains to be read.
    if (this.#position === this.#end) this.close()
    return bytes
  }

  close(): void {
    this.#stream?.destroy()
    this.#stream = undefined
    this.#chunks = undefined
    this.#ahead = Buffer.alloc(0)
  }

  async #open(start: number): Promise<void> {
    this.close()
    this.#position = start
    if (start === this.#end) return
    this.#stream = await this.#source.read(start, this.#end - start)
    // The iterator reports errors to the reader; errors after the last read are ignored.
    this.#stream.on('error', () => {})
    this.#chunks = this.#stream[Symbol.asyncIterator]()
  }

  async #fill(length: number): Promise<void> {
    const pieces = [this.#ahead]
    let sizeBytes = this.#ahead.length
    while (sizeBytes < length) {
      const chunk = await this.#next()
      pieces.push(chunk)
      sizeBytes += chunk.length
    }
    this.#ahead = Buffer.concat(pieces)
  }

  async #next(): Promise<Buffer> {
    const next = await this.#chunks?.next()
    if (next === undefined || next.done === true) throw cutShort()
    const { buffer, byteOffset, byteLength } = next.value
    return Buffer.from(buffer, byteOffset, byteLength)
  }
}

function cutShort(): ZipFormatError {
  return new ZipFormatError('corrupt', 'the zip archive is cut short or its directory points outside it')
}

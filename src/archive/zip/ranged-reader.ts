import yauzl from 'yauzl'
import type { ByteSource } from '../../shared/byte-source.ts'
import { corruptZip } from './zip-format-error.ts'

/** The directory is read in steps of some 50 bytes; one request to a bucket fetches thousands of them. */
const WINDOW_BYTES = 256 * 1024

interface Window {
  readonly start: number
  readonly bytes: Buffer
}

/** Serves the many small reads of a zip's directory from one window of the source at a time. */
export class RangedReader extends yauzl.RandomAccessReader {
  readonly #source: ByteSource
  #window: Window = { start: 0, bytes: Buffer.alloc(0) }

  constructor(source: ByteSource) {
    super()
    this.#source = source
  }

  /** What the source itself threw, to be told apart from complaints about the format. */
  sourceError: unknown

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.#copy(buffer, offset, length, position).then(() => callback(null), callback)
  }

  /** Bytes in memory; to be asked for little only. */
  async bytes(start: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length)
    await this.#copy(buffer, 0, length, start)
    return buffer
  }

  async #copy(buffer: Buffer, offset: number, length: number, position: number): Promise<void> {
    const end = position + length
    if (!(position >= 0 && end <= this.#source.sizeBytes)) {
      throw corruptZip('it is cut short, or its directory points outside it')
    }
    const known = this.#window
    const isThere = position >= known.start && end <= known.start + known.bytes.length
    // Several reads may be under way, each of which moves the window.
    const { start, bytes } = isThere ? known : await this.#fetch(position, length)
    const from = position - start
    const copied = bytes.copy(buffer, offset, from, from + length)
    if (copied < length) throw corruptZip('it is shorter than announced')
  }

  async #fetch(start: number, length: number): Promise<Window> {
    const wanted = Math.min(Math.max(length, WINDOW_BYTES), this.#source.sizeBytes - start)
    try {
      const chunks: Buffer[] = []
      for await (const chunk of await this.#source.read(start, wanted)) chunks.push(chunk)
      this.#window = { start, bytes: Buffer.concat(chunks) }
      return this.#window
    } catch (error) {
      this.sourceError = error
      throw error
    }
  }
}

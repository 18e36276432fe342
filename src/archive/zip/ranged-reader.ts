import yauzl from 'yauzl'
import type { ByteSource } from '../../shared/byte-source.ts'
import { createWindowReader, type ReadBytes } from '../../shared/window-reader.ts'
import { corruptZip } from './zip-format-error.ts'

/** Size of one request. The directory is read in steps of about 50 bytes, so a request serves thousands of them. */
const WINDOW_BYTES = 256 * 1024

type ReadArguments = Parameters<yauzl.RandomAccessReader['read']>

/** Serves the small reads of a zip's directory from one window of the source. */
export class RangedReader extends yauzl.RandomAccessReader {
  readonly #source: ByteSource
  readonly #read: ReadBytes

  constructor(source: ByteSource) {
    super()
    this.#source = source
    this.#read = createWindowReader(source, WINDOW_BYTES)
  }

  /** Error of the source itself, as opposed to format errors. */
  sourceError: unknown

  override read(...[buffer, offset, length, position, callback]: ReadArguments): void {
    this.#copy(buffer, offset, length, position).then(() => callback(null), callback)
  }

  /** Reads bytes into memory; for small lengths only. */
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
    const bytes = await this.#read(position, length).catch((error: unknown) => {
      this.sourceError = error
      throw error
    })
    if (bytes.copy(buffer, offset) < length) throw corruptZip('it is shorter than announced')
  }
}

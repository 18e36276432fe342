import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { inflateRawSync } from 'node:zlib'
import yauzl from 'yauzl'
import { DEFLATED, STORED } from '../src/archive/zip-format.ts'

/**
 * Size of one read. The directory is read in steps of about 50 bytes; a system call for each would dominate the time.
 */
const WINDOW_BYTES = 256 * 1024

const LOCAL_HEADER = { signature: 0x04034b50, sizeBytes: 30, nameLengthAt: 26, extraLengthAt: 28 } as const

/** A zip file on disk. */
export interface ZipFile {
  /** Entries, validated by yauzl, in directory order; each call starts over. */
  entries(): AsyncIterable<yauzl.Entry>
  /**
   * Decompressed content of a small entry, at most its announced size.
   * @throws Error
   */
  readSmall(entry: yauzl.Entry): Buffer
  /** Decompressed content of an entry of any size. */
  open(entry: yauzl.Entry): Promise<Readable>
  close(): void
}

/** @throws Error when it is not a zip */
export async function openZipFile(path: string): Promise<ZipFile> {
  const fd = openSync(path, 'r')
  try {
    const sizeBytes = fstatSync(fd).size
    // The file is closed below, not after the last entry.
    const read = () =>
      yauzl.fromRandomAccessReaderPromise(new FileReader(path, fd), sizeBytes, { autoClose: false })
    const zip = await read()
    return {
      async *entries() {
        // yauzl iterates only once.
        yield* (await read()).eachEntry()
      },
      open: (entry) => zip.openReadStreamPromise(entry),
      readSmall: (entry) => decompress(entry, readContent(fd, entry)),
      close: () => closeSync(fd),
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function readContent(fd: number, entry: yauzl.Entry): Buffer {
  const { signature, sizeBytes, nameLengthAt, extraLengthAt } = LOCAL_HEADER
  const headerStart = entry.relativeOffsetOfLocalHeader
  const header = readBytes(fd, headerStart, sizeBytes)
  if (header.readUInt32LE(0) !== signature)
    throw new Error('an entry is not at the offset that the directory gives')
  const namesBytes = header.readUInt16LE(nameLengthAt) + header.readUInt16LE(extraLengthAt)
  return readBytes(fd, headerStart + sizeBytes + namesBytes, entry.compressedSize)
}

function decompress(entry: yauzl.Entry, content: Buffer): Buffer {
  if (entry.compressionMethod === STORED) return content
  if (entry.compressionMethod !== DEFLATED) {
    throw new Error(`unsupported compression method ${entry.compressionMethod}`)
  }
  const bytes = inflateRawSync(content, { maxOutputLength: Math.max(entry.uncompressedSize, 1) })
  if (bytes.length === entry.uncompressedSize) return bytes
  throw new Error(`an entry has ${bytes.length} bytes instead of ${entry.uncompressedSize}`)
}

function readBytes(fd: number, start: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const count = readSync(fd, buffer, filled, length - filled, start + filled)
    if (count === 0) throw new Error('it is cut short')
    filled += count
  }
  return buffer
}

type ReadArguments = Parameters<yauzl.RandomAccessReader['read']>

/** Serves the small reads of the directory from one window of the file. */
class FileReader extends yauzl.RandomAccessReader {
  readonly #path: string
  readonly #fd: number
  #start = 0
  #window: Buffer = Buffer.alloc(0)

  constructor(path: string, fd: number) {
    super()
    this.#path = path
    this.#fd = fd
  }

  override read(...[buffer, offset, length, position, callback]: ReadArguments): void {
    // Asynchronous, as yauzl expects: otherwise it recurses.
    queueMicrotask(() => callback(this.#copy(buffer, offset, length, position)))
  }

  override _readStreamForRange(start: number, end: number): Readable {
    // The stream gets a separate descriptor, which is closed with it.
    return createReadStream(this.#path, { start, end: end - 1 })
  }

  #copy(buffer: Buffer, offset: number, length: number, position: number): Error | null {
    try {
      const from = position - this.#start
      if (from < 0 || from + length > this.#window.length) {
        const bytes = Buffer.allocUnsafe(Math.max(length, WINDOW_BYTES))
        this.#window = bytes.subarray(0, readSync(this.#fd, bytes, 0, bytes.length, position))
        this.#start = position
      }
      const start = position - this.#start
      const copied = this.#window.copy(buffer, offset, start, start + length)
      return copied === length ? null : new Error('it is cut short')
    } catch (error) {
      return error as Error
    }
  }
}

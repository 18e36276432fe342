import { BitReader } from './bzip2-bits.ts'
import { readBlock } from './bzip2-block.ts'
import { DecodeError } from './decode-error.ts'
import type { EntryDecoder } from './entry-decoder.ts'

/*
 * bzip2, which 7-Zip and Python can use in zips. The format has no specification; the layout follows the reference program
 * (https://sourceware.org/bzip2/): blocks of up to 900 kB, each run-length coded, Burrows-Wheeler transformed, move-to-front coded
 * and Huffman coded.
 */

const STREAM_MAGIC = 0x425a68
const LEVEL_BYTES = 100_000
/** Magic numbers of 48 bits, as two of 24: π starts a block, √π ends the stream. */
const BLOCK_MAGIC = [0x314159, 0x265359] as const
const END_MAGIC = [0x177245, 0x385090] as const
/**
 * Maximum size of a compressed block: 900 000 codes of 20 bits, 18 002 selectors of 6 bits and the code lengths. A
 * block is decoded only once this much input, or the end, is available.
 */
const MAX_BLOCK_BYTES = 2_300_000
/** Size of an output piece. */
const PIECE_BYTES = 1024 * 1024
/** Number of equal bytes that a repeat count follows. */
const RUN = 4

type State = 'start' | 'blocks' | 'done'

/** Memory: a block (3.6 MB), its compressed form (2.3 MB), the current input and a piece of output. */
export class Bunzip2 implements EntryDecoder {
  #state: State = 'start'
  readonly #bits = new BitReader()
  #block = new Uint32Array(0)
  #streamCrc = 0

  get isDone(): boolean {
    return this.#state === 'done'
  }

  get unusedBytes(): number {
    return this.#bits.left
  }

  *push(bytes: Uint8Array, isLast: boolean): Generator<Uint8Array, void, undefined> {
    this.#bits.take(bytes)
    while (this.#state !== 'done' && (isLast || this.#bits.left >= MAX_BLOCK_BYTES)) {
      try {
        if (this.#state === 'start') this.#readStart()
        else yield* this.#readBlock()
      } catch (error) {
        // The zeros after the input may have caused the error: report the missing input instead.
        this.#bits.assertNotBehind()
        throw error
      }
    }
  }

  #readStart(): void {
    const magic = this.#bits.read(24)
    const level = this.#bits.read(8) - 0x30
    if (magic !== STREAM_MAGIC || level < 1 || level > 9)
      throw new DecodeError('it does not start with the bzip2 signature')
    this.#block = new Uint32Array(level * LEVEL_BYTES)
    this.#state = 'blocks'
  }

  *#readBlock(): Generator<Uint8Array, void, undefined> {
    const magic = [this.#bits.read(24), this.#bits.read(24)]
    const crc = ((this.#bits.read(16) << 16) | this.#bits.read(16)) >>> 0
    if (magic[0] === END_MAGIC[0] && magic[1] === END_MAGIC[1]) {
      if (crc !== this.#streamCrc) throw new DecodeError('the checksum of the stream is wrong')
      this.#bits.alignToByte()
      this.#state = 'done'
      return
    }
    if (magic[0] !== BLOCK_MAGIC[0] || magic[1] !== BLOCK_MAGIC[1]) {
      throw new DecodeError('a block has the wrong signature')
    }
    const { size, first } = readBlock(this.#bits, this.#block)
    const found = yield* expandRuns(this.#block, size, first)
    if (found !== crc) throw new DecodeError('the checksum of a block is wrong')
    this.#streamCrc = (((this.#streamCrc << 1) | (this.#streamCrc >>> 31)) ^ crc) >>> 0
  }
}

/**
 * Inverts the Burrows-Wheeler transform and the run-length code. Each element holds a byte in its low bits and the
 * index of the next element above them.
 * @returns the checksum of the block
 */
function* expandRuns(
  block: Uint32Array,
  size: number,
  first: number,
): Generator<Uint8Array, number, undefined> {
  let piece = new Uint8Array(PIECE_BYTES)
  let to = 0
  let crc = -1
  let place = first
  let run = 0
  let previous = -1
  for (let i = 0; i < size; i += 1) {
    const element = block[place] as number
    const byte = element & 0xff
    place = element >>> 8
    const isCount = run === RUN
    let count = isCount ? byte : 1
    run = isCount ? 0 : byte === previous ? run + 1 : 1
    if (!isCount) previous = byte
    for (; count > 0; count -= 1) {
      piece[to] = previous
      to += 1
      crc = (crc << 8) ^ (CRC_TABLE[(crc >>> 24) ^ previous] as number)
      if (to < PIECE_BYTES) continue
      yield piece
      piece = new Uint8Array(PIECE_BYTES)
      to = 0
    }
  }
  if (to > 0) yield piece.subarray(0, to)
  return ~crc >>> 0
}

/** CRC-32 of bzip2: that of zlib with the bits of each byte reversed. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit += 1) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  return crc
})

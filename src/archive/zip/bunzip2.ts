import { BitReader } from './bzip2-bits.ts'
import { readBlock } from './bzip2-block.ts'
import { DecodeError } from './decode-error.ts'
import type { EntryDecoder } from './entry-decoder.ts'

/*
 * bzip2, which 7-Zip and Python offer for zips. The format has no document of its own; its layout follows from the reference program
 * (https://sourceware.org/bzip2/): blocks of up to 900 kB, each run-length coded, sorted (Burrows and Wheeler), moved to front, and Huffman
 * coded.
 */

const STREAM_MAGIC = 0x425a68
const LEVEL_BYTES = 100_000
/** Numbers of six bytes, as two of three: pi begins a block, its root ends the stream. */
const BLOCK_MAGIC = [0x314159, 0x265359] as const
const END_MAGIC = [0x177245, 0x385090] as const
/**
 * What a block takes at most: 900 000 codes of 20 bits, 18 002 selectors of 6 bits and the code lengths. So much is there before one
 * is read, or the end.
 */
const LARGEST_BLOCK_BYTES = 2_300_000
/** A piece of output. */
const PIECE_BYTES = 1024 * 1024
/** After this many equal bytes comes a count of more. */
const RUN = 4

type State = 'start' | 'blocks' | 'done'

/** Memory: a block (3.6 MB), what it takes in the archive (2.3 MB), the input under way and a piece of output. */
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
    while (this.#state !== 'done' && (isLast || this.#bits.left >= LARGEST_BLOCK_BYTES)) {
      try {
        if (this.#state === 'start') this.#readStart()
        else yield* this.#readBlock()
      } catch (error) {
        // The zeros behind the end may have been wrong as well.
        this.#bits.assertNotBehind()
        throw error
      }
    }
  }

  #readStart(): void {
    const magic = this.#bits.read(24)
    const level = this.#bits.read(8) - 0x30
    if (magic !== STREAM_MAGIC || level < 1 || level > 9)
      throw new DecodeError('it does not begin like bzip2')
    this.#block = new Uint32Array(level * LEVEL_BYTES)
    this.#state = 'blocks'
  }

  *#readBlock(): Generator<Uint8Array, void, undefined> {
    const magic = [this.#bits.read(24), this.#bits.read(24)]
    const crc = ((this.#bits.read(16) << 16) | this.#bits.read(16)) >>> 0
    if (magic[0] === END_MAGIC[0] && magic[1] === END_MAGIC[1]) {
      if (crc !== this.#streamCrc) throw new DecodeError('its own checksum is wrong')
      this.#bits.alignToByte()
      this.#state = 'done'
      return
    }
    if (magic[0] !== BLOCK_MAGIC[0] || magic[1] !== BLOCK_MAGIC[1]) {
      throw new DecodeError('a block does not begin where one must')
    }
    const { size, first } = readBlock(this.#bits, this.#block)
    const found = yield* expandRuns(this.#block, size, first)
    if (found !== crc) throw new DecodeError('the checksum of a block is wrong')
    this.#streamCrc = (((this.#streamCrc << 1) | (this.#streamCrc >>> 31)) ^ crc) >>> 0
  }
}

/**
 * Follows the sorted block: each element has a byte, and above it the place of the next element. Undoes the run-length code.
 * @returns the checksum
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

/** CRC-32 as bzip2 has it: that of zlib with the bits of each byte the other way round. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit += 1) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  return crc
})

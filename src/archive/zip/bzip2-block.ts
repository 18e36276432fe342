import type { BitReader } from './bzip2-bits.ts'
import { type CodeTable, readCode } from './bzip2-codes.ts'
import { DecodeError } from './decode-error.ts'

/** Number of codes that one table decodes before the next selector. */
const GROUP_SIZE = 50
/** Selectors beyond this number are ignored; writers may send more than a block needs. */
const MAX_SELECTORS = 18_002
const RUN_B = 1

/**
 * Reads a block after its magic and checksum.
 * @param block receives the elements: a byte in the low bits, the index of the next element above them
 * @returns the number of elements and the index of the first
 * @throws DecodeError
 */
export function readBlock(
  bits: BitReader,
  block: Uint32Array,
): { readonly size: number; readonly first: number } {
  if (bits.read(1) === 1) throw new DecodeError('a block is randomised (bzip2 0.9.0), which is not supported')
  const pointer = bits.read(24)
  const bytes = readAlphabet(bits)
  const codeCount = bits.read(3)
  if (codeCount < 2 || codeCount > 6) throw new DecodeError('a block has a wrong number of Huffman codes')
  const selectors = readSelectors(bits, codeCount)
  const codes = Array.from({ length: codeCount }, () => readCode(bits, bytes.length + 2))
  const counts = new Uint32Array(256)
  const size = readElements(bits, { bytes, selectors, codes }, { block, counts })
  if (pointer >= size) throw new DecodeError('the start index of a block is out of range')
  linkElements(block, size, counts)
  return { size, first: (block[pointer] as number) >>> 8 }
}

/** Byte values that occur in the block: 16 bits mark the ranges in use, 16 bits for each of those mark its values. */
function readAlphabet(bits: BitReader): Uint8Array {
  const ranges = bits.read(16)
  const bytes: number[] = []
  for (let range = 0; range < 16; range += 1) {
    if ((ranges & (0x8000 >> range)) === 0) continue
    const used = bits.read(16)
    for (let bit = 0; bit < 16; bit += 1) if ((used & (0x8000 >> bit)) !== 0) bytes.push(range * 16 + bit)
  }
  if (bytes.length === 0) throw new DecodeError('a block has no bytes')
  return Uint8Array.from(bytes)
}

/** Reads the selectors: the code of each group, move-to-front coded. */
function readSelectors(bits: BitReader, codeCount: number): Uint8Array {
  const count = bits.read(15)
  if (count === 0) throw new DecodeError('a block has no selectors')
  const order = Uint8Array.from({ length: codeCount }, (_, code) => code)
  const selectors = new Uint8Array(Math.min(count, MAX_SELECTORS))
  for (let i = 0; i < count; i += 1) {
    let place = 0
    while (bits.read(1) === 1) place += 1
    if (place >= codeCount) throw new DecodeError('a selector is out of range')
    const code = moveToFront(order, place)
    if (i < MAX_SELECTORS) selectors[i] = code
  }
  return selectors
}

/** Below this length a loop is faster than `copyWithin`. */
const SHORT_MOVE = 24

function moveToFront(order: Uint8Array, place: number): number {
  const value = order[place] as number
  if (place < SHORT_MOVE) for (let i = place; i > 0; i -= 1) order[i] = order[i - 1] as number
  else order.copyWithin(1, 0, place)
  order[0] = value
  return value
}

interface BlockCodes {
  readonly bytes: Uint8Array
  readonly selectors: Uint8Array
  readonly codes: readonly CodeTable[]
}

interface BlockRoom {
  readonly block: Uint32Array
  /** Frequency of each byte value. */
  readonly counts: Uint32Array
}

/** Decodes the Huffman codes, the run lengths (bijective base 2) and the move-to-front code. */
function readElements(bits: BitReader, { bytes, selectors, codes }: BlockCodes, room: BlockRoom): number {
  const { block, counts } = room
  const order = Uint8Array.from(bytes)
  const end = bytes.length + 1
  let size = 0
  let run = 0
  let weight = 1
  const writeRun = (): void => {
    if (run > block.length - size) throw new DecodeError('a block is larger than its level allows')
    const byte = order[0] as number
    counts[byte] = (counts[byte] as number) + run
    block.fill(byte, size, size + run)
    size += run
    run = 0
    weight = 1
  }
  for (const selector of selectors) {
    const code = codes[selector] as CodeTable
    for (let i = 0; i < GROUP_SIZE; i += 1) {
      const symbol = code.next(bits)
      if (symbol <= RUN_B) {
        run += weight * (symbol + 1)
        weight *= 2
        if (run > block.length) throw new DecodeError('a block is larger than its level allows')
        continue
      }
      if (run > 0) writeRun()
      if (symbol === end) {
        bits.assertNotBehind()
        return size
      }
      if (size >= block.length) throw new DecodeError('a block is larger than its level allows')
      const byte = moveToFront(order, symbol - 1)
      counts[byte] = (counts[byte] as number) + 1
      block[size] = byte
      size += 1
    }
    bits.assertNotBehind()
  }
  throw new DecodeError('a block has too few selectors')
}

/** Links the elements: the i-th occurrence of a byte in sorted order links to its i-th occurrence in the block. */
function linkElements(block: Uint32Array, size: number, counts: Uint32Array): void {
  let sum = 0
  const next = counts.map((count) => {
    const start = sum
    sum += count
    return start
  })
  for (let place = 0; place < size; place += 1) {
    const byte = (block[place] as number) & 0xff
    const sorted = next[byte] as number
    next[byte] = sorted + 1
    block[sorted] = (block[sorted] as number) | (place << 8)
  }
}

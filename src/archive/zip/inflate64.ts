import { copyBack } from './copy-back.ts'
import { DecodeError } from './decode-error.ts'
import {
  DISTANCE_ROOT_BITS,
  FIXED_TABLES,
  type HeaderBits,
  LITERAL_ROOT_BITS,
  readTables,
} from './deflate-header.ts'
import {
  CODE_BITS,
  END,
  EXTRA_BITS,
  EXTRA_SHIFT,
  type HuffmanTable,
  isLink,
  KIND,
  LITERAL,
  linkedEntry,
  VALUE_SHIFT,
} from './deflate-tables.ts'
import type { EntryDecoder } from './entry-decoder.ts'

/*
 * Deflate64, which Windows Explorer uses for files over 2 GB: deflate (RFC 1951) with a window of 64 KiB and other alphabets.
 * Node's zlib does not support it.
 */

const WINDOW_BYTES = 64 * 1024
/** Size of an output piece, which the last copy may exceed. */
const PIECE_BYTES = 1024 * 1024
const MAX_COPY = 65_538
/**
 * Upper bound of a block header with its code lengths. A header is read only once this much input, or the end, is
 * available.
 */
const HEADER_BYTES = 1024
/** Maximum input of one step: two codes with their extra bits (60 bits), and 4 bytes of look-ahead. */
const SYMBOL_BYTES = 16

type State = 'header' | 'stored' | 'codes' | 'done'

/** Memory: window and a piece of output (1.2 MiB), the current input, and about 20 KiB of tables. */
export class Inflate64 implements EntryDecoder, HeaderBits {
  #state: State = 'header'
  #isLastBlock = false
  #storedBytes = 0
  #literals: HuffmanTable = FIXED_TABLES.literals
  #distances: HuffmanTable = FIXED_TABLES.distances

  #input = new Uint8Array(0)
  /** End of the input; zeros follow it for look-ahead. */
  #inputEnd = 0
  #at = 0
  #hold = 0
  #holdBits = 0

  readonly #output = new Uint8Array(WINDOW_BYTES + PIECE_BYTES + MAX_COPY)
  #outputStart = 0
  #outputEnd = 0

  get isDone(): boolean {
    return this.#state === 'done'
  }

  get unusedBytes(): number {
    return this.#inputEnd - this.#at
  }

  *push(bytes: Uint8Array, isLast: boolean): Generator<Uint8Array, void, undefined> {
    this.#take(bytes)
    while (this.#step(isLast)) {
      if (this.#outputEnd - this.#outputStart >= PIECE_BYTES) yield this.#piece()
    }
    if (this.#outputEnd > this.#outputStart) yield this.#piece()
  }

  /** Decodes one step; returns false when it needs more input or is done. */
  #step(isLast: boolean): boolean {
    try {
      const canContinue = this.#decode(isLast)
      this.#assertNotBehind()
      return canContinue
    } catch (error) {
      // The zeros after the input may have caused the error: report the missing input instead.
      this.#assertNotBehind()
      throw error
    }
  }

  #assertNotBehind(): void {
    if (this.#at - (this.#holdBits >> 3) > this.#inputEnd) throw new DecodeError('it is cut short')
  }

  /** Appends input. */
  #take(bytes: Uint8Array): void {
    this.#giveBack()
    const left = this.#input.subarray(Math.min(this.#at, this.#inputEnd), this.#inputEnd)
    const joined = new Uint8Array(left.length + bytes.length + HEADER_BYTES)
    joined.set(left)
    joined.set(bytes, left.length)
    this.#input = joined
    this.#inputEnd = left.length + bytes.length
    this.#at = 0
  }

  /** Copies the decoded bytes out; the window moves to the start of the output. */
  #piece(): Uint8Array {
    const piece = this.#output.slice(this.#outputStart, this.#outputEnd)
    const windowStart = Math.max(0, this.#outputEnd - WINDOW_BYTES)
    this.#output.copyWithin(0, windowStart, this.#outputEnd)
    this.#outputEnd -= windowStart
    this.#outputStart = this.#outputEnd
    return piece
  }

  #decode(isLast: boolean): boolean {
    const left = this.#inputEnd - this.#at
    switch (this.#state) {
      case 'header':
        if (left < HEADER_BYTES && !isLast) return false
        this.#readHeader()
        return true
      case 'stored':
        return this.#copyStored(isLast)
      case 'codes': {
        const limit = isLast ? this.#inputEnd + SYMBOL_BYTES : this.#inputEnd - SYMBOL_BYTES
        const [before, outputBefore] = [this.#at, this.#outputEnd]
        this.#readCodes(limit)
        return this.#state !== 'codes' || this.#at !== before || this.#outputEnd !== outputBefore
      }
      case 'done':
        return false
    }
  }

  #fill(count: number): void {
    while (this.#holdBits < count) {
      this.#hold |= (this.#input[this.#at] ?? 0) << this.#holdBits
      this.#at += 1
      this.#holdBits += 8
    }
  }

  bits(count: number): number {
    this.#fill(count)
    const value = this.#hold & (2 ** count - 1)
    this.#hold >>= count
    this.#holdBits -= count
    return value
  }

  /** Un-reads whole bytes of the look-ahead. */
  #giveBack(): void {
    this.#at -= this.#holdBits >> 3
    this.#holdBits &= 7
    this.#hold &= (1 << this.#holdBits) - 1
  }

  /** Un-reads whole bytes and drops the rest of the current byte. */
  #alignToByte(): void {
    this.#giveBack()
    this.#hold = 0
    this.#holdBits = 0
  }

  #readHeader(): void {
    this.#isLastBlock = this.bits(1) === 1
    const type = this.bits(2)
    if (type === 0) {
      this.#alignToByte()
      this.#storedBytes = this.bits(16)
      if (this.bits(16) !== (this.#storedBytes ^ 0xffff)) {
        throw new DecodeError('the length of a stored block is wrong')
      }
      this.#state = 'stored'
      return
    }
    if (type === 3) throw new DecodeError('a block has an undefined type')
    const tables = type === 2 ? readTables(this) : FIXED_TABLES
    this.#literals = tables.literals
    this.#distances = tables.distances
    this.#state = 'codes'
  }

  symbol({ entries, rootBits }: HuffmanTable): number {
    this.#fill(rootBits)
    const entry = entryAt(entries, this.#hold, rootBits)
    this.#hold >>= entry & CODE_BITS
    this.#holdBits -= entry & CODE_BITS
    return entry >> VALUE_SHIFT
  }

  #copyStored(isLast: boolean): boolean {
    // Reading the lengths has filled the look-ahead.
    this.#alignToByte()
    const room = WINDOW_BYTES + PIECE_BYTES + MAX_COPY - this.#outputEnd
    const count = Math.min(this.#storedBytes, this.#inputEnd - this.#at, room)
    this.#output.set(this.#input.subarray(this.#at, this.#at + count), this.#outputEnd)
    this.#at += count
    this.#outputEnd += count
    this.#storedBytes -= count
    if (this.#storedBytes === 0) this.#endBlock()
    else if (isLast && this.#at >= this.#inputEnd) throw new DecodeError('it is cut short')
    return count > 0 || this.#state !== 'stored'
  }

  #endBlock(): void {
    if (this.#isLastBlock) this.#alignToByte()
    this.#state = this.#isLastBlock ? 'done' : 'header'
  }

  /** Decodes until the block ends, a piece is full, or the input reaches `limit`. */
  #readCodes(limit: number): void {
    const input = this.#input
    const output = this.#output
    const literals = this.#literals.entries
    const distances = this.#distances.entries
    const outputLimit = this.#outputStart + PIECE_BYTES
    let at = this.#at
    let hold = this.#hold
    let holdBits = this.#holdBits
    let to = this.#outputEnd
    let isEnd = false
    while (at < limit && to < outputLimit) {
      if (holdBits < 16) {
        hold |= pairAt(input, at) << holdBits
        at += 2
        holdBits += 16
      }
      let entry = entryAt(literals, hold, LITERAL_ROOT_BITS)
      hold >>= entry & CODE_BITS
      holdBits -= entry & CODE_BITS
      const kind = entry & KIND
      if (kind === LITERAL) {
        output[to] = entry >> VALUE_SHIFT
        to += 1
        continue
      }
      isEnd = kind === END
      if (isEnd) break
      if (holdBits < 16) {
        hold |= pairAt(input, at) << holdBits
        at += 2
        holdBits += 16
      }
      let extraBits = (entry >> EXTRA_SHIFT) & EXTRA_BITS
      const length = (entry >> VALUE_SHIFT) + (hold & ((1 << extraBits) - 1))
      hold >>= extraBits
      holdBits -= extraBits
      if (holdBits < 16) {
        hold |= pairAt(input, at) << holdBits
        at += 2
        holdBits += 16
      }
      entry = entryAt(distances, hold, DISTANCE_ROOT_BITS)
      hold >>= entry & CODE_BITS
      holdBits -= entry & CODE_BITS
      if (holdBits < 16) {
        hold |= pairAt(input, at) << holdBits
        at += 2
        holdBits += 16
      }
      extraBits = (entry >> EXTRA_SHIFT) & EXTRA_BITS
      const distance = (entry >> VALUE_SHIFT) + (hold & ((1 << extraBits) - 1))
      hold >>= extraBits
      holdBits -= extraBits
      copyBack(output, to, distance, length)
      to += length
    }
    ;[this.#at, this.#hold, this.#holdBits, this.#outputEnd] = [at, hold, holdBits, to]
    if (isEnd) this.#endBlock()
  }
}

/** Entry of the code at the start of the look-ahead. */
function entryAt(table: Int32Array, hold: number, rootBits: number): number {
  let entry = table[hold & ((1 << rootBits) - 1)] as number
  if (isLink(entry)) entry = linkedEntry(table, entry, hold >> rootBits)
  if (entry === 0) throw new DecodeError('a Huffman code is undefined')
  return entry
}

/** Two bytes, little-endian; undefined elements count as 0 in the bit operations. */
function pairAt(input: Uint8Array, at: number): number {
  return (input[at] as number) | ((input[at + 1] as number) << 8)
}

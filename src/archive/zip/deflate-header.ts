import { DecodeError } from './decode-error.ts'
import { buildTable, CODE_LENGTHS, DISTANCES, type HuffmanTable, LITERALS } from './deflate-tables.ts'

/** Index bits of the first-level tables. */
export const LITERAL_ROOT_BITS = 10
export const DISTANCE_ROOT_BITS = 9
/** Length limit of the code length code, which therefore has one table level. */
const LENGTH_ROOT_BITS = 7

/** Order of the lengths of the code length code (RFC 1951, 3.2.7). */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

export interface BlockTables {
  readonly literals: HuffmanTable
  readonly distances: HuffmanTable
}

/** Source of a block header's bits. */
export interface HeaderBits {
  /** The next bits, at most 16. */
  bits(count: number): number
  /** The next symbol of a one-level code. @throws DecodeError */
  symbol(table: HuffmanTable): number
}

/** Tables of the fixed codes (RFC 1951, 3.2.6). */
export const FIXED_TABLES: BlockTables = {
  literals: buildTable(
    Uint8Array.from({ length: 288 }, (_, symbol) =>
      symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
    ),
    LITERAL_ROOT_BITS,
    LITERALS,
  ),
  distances: buildTable(new Uint8Array(32).fill(5), DISTANCE_ROOT_BITS, DISTANCES),
}

/**
 * Reads the dynamic codes of a block.
 * @throws DecodeError
 */
export function readTables(source: HeaderBits): BlockTables {
  const literalCount = 257 + source.bits(5)
  const distanceCount = 1 + source.bits(5)
  const lengthCount = 4 + source.bits(4)
  if (literalCount > 286) throw new DecodeError('a block has too many length codes')
  const codeLengths = new Uint8Array(ORDER.length)
  for (const symbol of ORDER.slice(0, lengthCount)) codeLengths[symbol] = source.bits(3)
  const code = buildTable(codeLengths, LENGTH_ROOT_BITS, CODE_LENGTHS)
  const lengths = readLengths(source, code, literalCount + distanceCount)
  if (lengths[256] === 0) throw new DecodeError('a block has no end-of-block code')
  return {
    literals: buildTable(lengths.subarray(0, literalCount), LITERAL_ROOT_BITS, LITERALS),
    distances: buildTable(lengths.subarray(literalCount), DISTANCE_ROOT_BITS, DISTANCES),
  }
}

function readLengths(source: HeaderBits, code: HuffmanTable, total: number): Uint8Array {
  const lengths = new Uint8Array(total)
  for (let at = 0; at < total; ) {
    const symbol = source.symbol(code)
    if (symbol < 16) {
      lengths[at] = symbol
      at += 1
      continue
    }
    if (symbol === 16 && at === 0)
      throw new DecodeError('a block repeats the previous code length, but has none yet')
    const value = symbol === 16 ? (lengths[at - 1] as number) : 0
    const count = repeatCount(source, symbol)
    if (at + count > total) throw new DecodeError('a block repeats a length beyond the last')
    lengths.fill(value, at, at + count)
    at += count
  }
  return lengths
}

function repeatCount(source: HeaderBits, symbol: number): number {
  if (symbol === 18) return 11 + source.bits(7)
  return 3 + source.bits(symbol === 16 ? 2 : 3)
}

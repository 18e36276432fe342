import type { BitReader } from './bzip2-bits.ts'
import { DecodeError } from './decode-error.ts'

const MAX_CODE_BITS = 20
/** Codes up to this length are decoded by one table look-up; few are longer. */
const TABLE_BITS = 10

/** Decoder of one Huffman code. */
export interface CodeTable {
  /** @throws DecodeError for bits that are not a code word; after the end of the input the symbol is arbitrary */
  next(bits: BitReader): number
}

/**
 * Reads delta-coded code lengths and builds the decoding table.
 * @throws DecodeError
 */
export function readCode(bits: BitReader, symbolCount: number): CodeTable {
  const lengths = new Uint8Array(symbolCount)
  let length = bits.read(5)
  for (let symbol = 0; symbol < symbolCount; symbol += 1) {
    while (bits.read(1) === 1) length += bits.read(1) === 1 ? -1 : 1
    if (length < 1 || length > MAX_CODE_BITS) throw new DecodeError('the length of a code is out of range')
    lengths[symbol] = length
  }
  return makeTable(lengths)
}

/** Builds a canonical code: words of one length are consecutive numbers in symbol order. */
function makeTable(lengths: Uint8Array): CodeTable {
  const { symbols, firstWords, firstPlaces, limits } = sortSymbols(lengths)
  const table = new Uint16Array(2 ** TABLE_BITS)
  for (let length = 1, place = 0; length <= TABLE_BITS; length += 1) {
    const end = firstPlaces[length + 1] as number
    for (let word = firstWords[length] as number; place < end; place += 1, word += 1) {
      const start = word << (TABLE_BITS - length)
      table.fill(((symbols[place] as number) << 4) | length, start, start + 2 ** (TABLE_BITS - length))
    }
  }
  return {
    next(bits) {
      const window = bits.peek24()
      const entry = table[window >>> (24 - TABLE_BITS)] as number
      if (entry !== 0) {
        bits.at += entry & 0x0f
        return entry >> 4
      }
      for (let length = TABLE_BITS + 1; length <= MAX_CODE_BITS; length += 1) {
        const word = window >>> (24 - length)
        if (word >= (limits[length] as number)) continue
        bits.at += length
        return symbols[(firstPlaces[length] as number) + word - (firstWords[length] as number)] as number
      }
      throw new DecodeError('a Huffman code is undefined')
    },
  }
}

function sortSymbols(lengths: Uint8Array) {
  const counts = new Uint32Array(MAX_CODE_BITS + 2)
  for (const length of lengths) counts[length] = (counts[length] as number) + 1
  const firstWords = new Uint32Array(MAX_CODE_BITS + 2)
  /** For each length, the last code word of that length plus one. */
  const limits = new Uint32Array(MAX_CODE_BITS + 2)
  const firstPlaces = new Uint32Array(MAX_CODE_BITS + 3)
  let word = 0
  for (let length = 1; length <= MAX_CODE_BITS; length += 1) {
    const count = counts[length] as number
    firstWords[length] = word
    limits[length] = word + count
    if (word + count > 2 ** length) throw new DecodeError('a Huffman code has too many words')
    firstPlaces[length + 1] = (firstPlaces[length] as number) + count
    word = (word + count) * 2
  }
  const next = firstPlaces.slice()
  const symbols = new Uint16Array(lengths.length)
  for (const [symbol, length] of lengths.entries()) {
    const place = next[length] as number
    symbols[place] = symbol
    next[length] = place + 1
  }
  return { symbols, firstWords, firstPlaces, limits }
}

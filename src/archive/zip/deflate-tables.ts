import { DecodeError } from './decode-error.ts'

/*
 * Decoding tables for the Huffman codes of deflate (RFC 1951, 3.2) with the alphabets of deflate64 (PKWARE APPNOTE 6.3.10, 5.6): two
 * more distance codes, and a last length code with 16 extra bits.
 */

/** Kind of an entry, in bits 9 and 10. An entry of all zeros is an undefined code. */
export const LITERAL = 0 << 9
const COPY = 1 << 9
export const END = 2 << 9
const LINK = 3 << 9
export const KIND = 3 << 9
/** Bits 0 to 3: length of the whole code. Bits 4 to 8: number of extra bits, or index bits of a linked table. */
export const CODE_BITS = 0x0f
export const EXTRA_SHIFT = 4
export const EXTRA_BITS = 0x1f
/** Bits from 11: literal, base of a length or distance, or start of a linked table. */
export const VALUE_SHIFT = 11

const MAX_CODE_BITS = 15

/** Two-level table: codes longer than `rootBits` continue in a linked table. */
export interface HuffmanTable {
  readonly rootBits: number
  readonly entries: Int32Array
}

/** Entry of each symbol, without its code length; 0 for symbols that must not occur. */
export type Alphabet = Int32Array

const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 16]
const LENGTH_BASE = withBases(3, LENGTH_EXTRA)
const DISTANCE_EXTRA = Array.from({ length: 32 }, (_, symbol) => Math.max(0, (symbol >> 1) - 1))
const DISTANCE_BASE = withBases(1, DISTANCE_EXTRA)
/** The last length code of deflate64 starts at the smallest length again: 3 to 65538. */
LENGTH_BASE[28] = 3

function withBases(first: number, extra: readonly number[]): number[] {
  let base = first
  return extra.map((bits) => {
    const own = base
    base += 2 ** bits
    return own
  })
}

const copyEntry = (value: number, extra: number): number =>
  (value << VALUE_SHIFT) | COPY | (extra << EXTRA_SHIFT)

/** Literals, end of block (256) and lengths. The fixed code has two more symbols, which must not occur. */
export const LITERALS: Alphabet = Int32Array.from([
  ...Array.from({ length: 256 }, (_, byte) => (byte << VALUE_SHIFT) | LITERAL),
  END,
  ...LENGTH_BASE.map((base, symbol) => copyEntry(base, LENGTH_EXTRA[symbol] ?? 0)),
  0,
  0,
])
export const DISTANCES: Alphabet = Int32Array.from(
  DISTANCE_BASE.map((base, symbol) => copyEntry(base, DISTANCE_EXTRA[symbol] ?? 0)),
)
/** Alphabet of the code length code: each symbol is its own value. */
export const CODE_LENGTHS: Alphabet = Int32Array.from({ length: 19 }, (_, symbol) => symbol << VALUE_SHIFT)

/** First symbol that must not occur. */
const FIRST_UNUSED_LITERAL = 286

/**
 * Builds the table of a canonical code. The time depends on the size of the root table and the number of symbols, not
 * on the longest code.
 * @throws DecodeError when the code is over- or under-subscribed; a single word is allowed, as in zlib
 */
export function buildTable(lengths: Uint8Array, rootBits: number, alphabet: Alphabet): HuffmanTable {
  const codes = canonicalCodes(lengths)
  const entries = withLinks(lengths, codes, rootBits)
  for (let symbol = 0; symbol < Math.min(lengths.length, FIRST_UNUSED_LITERAL); symbol += 1) {
    const length = lengths[symbol] as number
    if (length === 0) continue
    const code = codes[symbol] as number
    const entry = (alphabet[symbol] as number) | length
    let at = code
    let end = 2 ** rootBits
    let step = 2 ** length
    if (length > rootBits) {
      const link = entries[code & (end - 1)] as number
      const start = link >> VALUE_SHIFT
      at = start + (code >> rootBits)
      end = start + 2 ** ((link >> EXTRA_SHIFT) & EXTRA_BITS)
      step = 2 ** (length - rootBits)
    }
    for (; at < end; at += step) entries[at] = entry
  }
  return { rootBits, entries }
}

/** Allocates all entries, with the links of the root set. */
function withLinks(lengths: Uint8Array, codes: Uint16Array, rootBits: number): Int32Array {
  const rootSize = 2 ** rootBits
  const linkedBits = new Uint8Array(rootSize)
  for (let symbol = 0; symbol < lengths.length; symbol += 1) {
    const rest = (lengths[symbol] as number) - rootBits
    const prefix = (codes[symbol] as number) & (rootSize - 1)
    if (rest > (linkedBits[prefix] as number)) linkedBits[prefix] = rest
  }
  const size = linkedBits.reduce((sum, bits) => (bits === 0 ? sum : sum + 2 ** bits), rootSize)
  const entries = new Int32Array(size)
  let start = rootSize
  for (const [prefix, bits] of linkedBits.entries()) {
    if (bits === 0) continue
    entries[prefix] = (start << VALUE_SHIFT) | LINK | (bits << EXTRA_SHIFT) | rootBits
    start += 2 ** bits
  }
  return entries
}

/** Code words, bit-reversed, as they are read. */
function canonicalCodes(lengths: Uint8Array): Uint16Array {
  const counts = new Uint16Array(MAX_CODE_BITS + 1)
  for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1
  counts[0] = 0
  const next = new Uint16Array(MAX_CODE_BITS + 2)
  let free = 1
  let longest = 0
  for (let bits = 1; bits <= MAX_CODE_BITS; bits += 1) {
    const count = counts[bits] ?? 0
    if (count > 0) longest = bits
    free = 2 * free - count
    if (free < 0) throw new DecodeError('a Huffman code has too many words')
    next[bits + 1] = ((next[bits] ?? 0) + count) << 1
  }
  if (free > 0 && longest > 1) throw new DecodeError('a Huffman code has too few words')
  const codes = new Uint16Array(lengths.length)
  for (let symbol = 0; symbol < lengths.length; symbol += 1) {
    const length = lengths[symbol] as number
    if (length === 0) continue
    codes[symbol] = reversed(next[length] as number, length)
    next[length] = (next[length] ?? 0) + 1
  }
  return codes
}

function reversed(code: number, length: number): number {
  let result = 0
  for (let bit = 0; bit < length; bit += 1) result |= ((code >> bit) & 1) << (length - 1 - bit)
  return result
}

/** Looks up the entry that a link refers to; `index` is the bits after those of the root. */
export function linkedEntry(table: Int32Array, link: number, index: number): number {
  const bits = (link >> EXTRA_SHIFT) & EXTRA_BITS
  return table[(link >> VALUE_SHIFT) + (index & ((1 << bits) - 1))] as number
}

export const isLink = (entry: number): boolean => (entry & KIND) === LINK

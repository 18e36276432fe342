/*
 * Combines CRC-32 values of parts that were read in any order. Appending n zero bits to a message is a linear map of its CRC,
 * so two parts are combined with a product of 32 × 32 matrices over GF(2).
 */

/** Record of the parts of a file that were read, with their checksums. */
export interface CrcCoverage {
  /** Adds a part. Parts may be added in any order and repeatedly, but must not overlap otherwise. */
  add(start: number, length: number, crc: number): void
  /** Ranges of the first `sizeBytes` bytes that were not read. */
  holes(sizeBytes: number): { readonly start: number; readonly length: number }[]
  /** Checksum of all parts in order; that of the whole when there are no holes. */
  crc(): number
}

/** Memory: a few numbers for each part. */
export function createCrcCoverage(): CrcCoverage {
  const parts = new Map<number, { readonly length: number; readonly crc: number }>()
  const inOrder = () => [...parts].toSorted(([a], [b]) => a - b)
  return {
    add(start, length, crc) {
      if (length > 0) parts.set(start, { length, crc })
    },
    holes(sizeBytes) {
      const holes: { start: number; length: number }[] = []
      let end = 0
      for (const [start, { length }] of inOrder()) {
        if (start > end) holes.push({ start: end, length: start - end })
        end = start + length
      }
      if (sizeBytes > end) holes.push({ start: end, length: sizeBytes - end })
      return holes
    },
    crc: () => inOrder().reduce((crc, [, part]) => combineCrc(crc, part.crc, part.length), 0),
  }
}

/** CRC of the concatenation of two messages; `length` is the size of the second in bytes. */
function combineCrc(first: number, second: number, length: number): number {
  let crc = first
  for (let power = 0, left = length; left > 0; power += 1, left = Math.floor(left / 2)) {
    if (left % 2 === 1) crc = times(zeroBytes(power), crc)
  }
  return (crc ^ second) >>> 0
}

/** Columns of the matrix: the image of each bit. */
type Matrix = readonly number[]

/** Matrix for one zero bit: shift right, and add the reversed polynomial when a one is shifted out. */
const ONE_ZERO_BIT: Matrix = Array.from({ length: 32 }, (_, bit) => (bit === 0 ? 0xedb88320 : 2 ** (bit - 1)))
const ONE_ZERO_BYTE: Matrix = [1, 2, 4].reduce<Matrix>(
  (matrix) => matrix.map((column) => times(matrix, column)),
  ONE_ZERO_BIT,
)
const ZERO_BYTES: Matrix[] = [ONE_ZERO_BYTE]

/** Matrix for 2^power zero bytes; cached, as computing it costs more than applying it. */
function zeroBytes(power: number): Matrix {
  const known = ZERO_BYTES[power]
  if (known !== undefined) return known
  const half = zeroBytes(power - 1)
  const made = half.map((column) => times(half, column))
  ZERO_BYTES.push(made)
  return made
}

function times(matrix: Matrix, vector: number): number {
  let sum = 0
  for (const [bit, column] of matrix.entries()) if ((vector >>> bit) & 1) sum ^= column
  return sum >>> 0
}

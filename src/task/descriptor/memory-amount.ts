/** Amount of memory in bytes or larger units, rounded up. */
export interface MemoryAmount {
  readonly bytes: bigint
  readonly bits: bigint
}

/** Decimal prefixes are powers of 1000, binary ones (`Ki`) powers of 1024. The index in the list is the exponent. */
const PREFIXES = ['', 'K', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y', 'R', 'Q']

/**
 * Number, spaces, prefix and suffix of the contract's grammar (descriptor 3.2). `K` is accepted for `k`, because the
 * documentation uses it.
 */
const AMOUNT = /^(0|[1-9]\d*)(?:\.(\d+))?\s*(?:([KMGTPEZY])i|([kKMGTPEZYRQ]))?(B|Byte|byte|b|bit)?$/u

/** The grammar for JSON schemas. */
export const MEMORY_PATTERN = AMOUNT.source

/** Maximum length of the text; the largest amounts have about 35 digits. */
const MAX_LENGTH = 100

const BITS_PER_BYTE = 8n

/**
 * Reads a memory amount such as `4Gi`, `1.5 MB` or `25Kib`, exactly.
 * @returns undefined when the text is not one
 */
export function parseMemoryAmount(text: string): MemoryAmount | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const match = AMOUNT.exec(text)
  if (match === null) return undefined
  const [, whole = '', fraction = '', binary, decimal = '', suffix = 'B'] = match
  const unit =
    binary === undefined
      ? 1000n ** BigInt(PREFIXES.indexOf(decimal.toUpperCase()))
      : 1024n ** BigInt(PREFIXES.indexOf(binary))
  const scale = 10n ** BigInt(fraction.length)
  const bits =
    BigInt(whole + fraction) * unit * (suffix.startsWith('b') && suffix !== 'byte' ? 1n : BITS_PER_BYTE)
  return { bytes: divideUp(bits, scale * BITS_PER_BYTE), bits: divideUp(bits, scale) }
}

function divideUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor
}

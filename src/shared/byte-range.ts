/** Requested bytes; `end` is exclusive. */
export interface ByteSpan {
  readonly start: number
  readonly end: number
}

const RANGE = /^bytes=(?:(\d+)-(\d*)|-(\d+))$/iu

/**
 * Parses a `Range` header (RFC 9110, 14.2). Several ranges, other units and malformed headers are ignored, as the RFC
 * allows.
 * @returns undefined for the whole file; `unsatisfiable` when the file has no byte in the range
 */
export function askedRange(
  header: string | undefined,
  sizeBytes: number,
): ByteSpan | 'unsatisfiable' | undefined {
  const found = RANGE.exec(header?.replace(/\s/gu, '') ?? '')
  if (found === null) return undefined
  const [, first, last, suffix] = found
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), sizeBytes)
    return length === 0 ? 'unsatisfiable' : { start: sizeBytes - length, end: sizeBytes }
  }
  const start = Number(first)
  if (last && Number(last) < start) return undefined
  if (start >= sizeBytes) return 'unsatisfiable'
  return { start, end: last ? Math.min(Number(last) + 1, sizeBytes) : sizeBytes }
}
